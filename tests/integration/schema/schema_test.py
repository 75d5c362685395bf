"""What `keel schema` prints, against a real validator of JSON Schema 2020-12.

The schema must be one; it must accept every file that `keel check` finds nothing wrong with (the
shipped examples, the fuzzers' corpus, every key of the language); and it must refuse files with
mistakes that a schema can see.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path

import jsonschema

ARGUMENTS = argparse.Namespace()

GOOD = [
    'command = "web"',
    'command = ["web", "--port", "80"]\nstop.signal = "RTMIN+3"\nstart.timeout = "1h30m"',
    'command = "web"\nrestart = { factor = 2, success_exit = [0, "TERM"], jitter = 0 }',
    'command = "web"\nlimits = { nofile = 4096, stack = "8MiB:unlimited" }\numask = "0027"',
    'command = "web"\nenvironment = { A = "1" }\ncpu_affinity = ["0-3", 6]',
    'command = "web"\n[[probe]]\nhttp = "http://a"\nstatus = [204, "200-299"]\nrole = "liveness"',
    'command = "{release}/web"\n[deploy]\nroot = "/web"\nsource = "/{release}.tar"\nkeep = 9',
    'command = "{release}/web"\ndeploy = { root = "/web", steps = [{ do = "a", timeout = "1m" }] }',
    'command = "web"\n[[probe]]\nexec = "true"\n[[probe]]\ntcp = "a:1"\nsend = "x"',
]
BAD = [
    "",
    "command = 5",
    'command = []',
    'comand = "web"',
    'command = "web"\ninstances = 0',
    'command = "web"\nuser = 5',
    'command = "web"\nrestart.delay = 5',
    'command = "web"\nrestart.delay = "5"',
    'command = "web"\nrestart.delay = "1s1h"',
    'command = "web"\nrestart.dely = "5s"',
    'command = "web"\nrestart.policy = "sometimes"',
    'command = "web"\nstop.signal = 15',
    'command = "web"\nlog.max_size = "1 GB"',
    'command = "web"\nafter = ["a", "a"]',
    'command = "web"\numask = "0888"',
    'command = "web"\n[[probe]]\ninterval = "5s"',
    'command = "web"\n[[probe]]\nhttp = "http://a"\ntcp = "a:1"',
    'command = "web"\n[[probe]]\ntcp = "a:1"\nmethod = "GET"',
    'command = "web"\n[[probe]]\ntcp = "a:1"\nrole = ["startup", "startup"]',
    'command = "web"\n[probe]\ntcp = "a:1"',
    'command = "{release}/web"\n[deploy]\nkeep = 9',
    'command = "{release}/web"\n[deploy]\nroot = "/web"\nstrategy = "overlap"',
    'command = "{release}/web"\n[deploy]\nroot = "/web"\nsteps = [{ undo = "a" }]',
    'command = "{release}/web"\n[deploy]\nroot = "/web"\nsteps = { do = "a" }',
    'command = "web"\n[socket]\nlisten = "a:1"',
]
GOOD_DAEMON = [
    "",
    '[http]\nlisten = "off"\n[log]\nlevel = "debug"\n[storm]\nstarts_per_second = 0',
    '[defaults.deploy]\nkeep = 9\n[[defaults.deploy.steps]]\ntimeout = "5m"',
    '[defaults]\nuser = "panel"\n[[defaults.probe]]\nname = "x"\ninterval = "1s"',
    '[channel.ops]\nkind = "exec"\ncommand = ["/bin/true"]',
]
BAD_DAEMON = [
    'listen = "off"',
    '[log]\nlevel = "loud"',
    '[storm]\nburst = 0',
    '[defaults]\nusr = "panel"',
    '[defaults.restart]\ndelay = 5',
    '[channel.ops]\nkind = "pigeon"',
]


def schema(*options):
    text = subprocess.run([ARGUMENTS.keel, "schema", *options], check=True, capture_output=True)
    return jsonschema.Draft202012Validator(json.loads(text.stdout))


def accepts(validator, text):
    return validator.is_valid(tomllib.loads(text))


def problems_of(text, name):
    """What `keel check` says of the text as a file, but for what depends on this host."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, name)
        file.write_text(text)
        told = subprocess.run([ARGUMENTS.keel, "check", "--json", file], capture_output=True)
    of_host = ("there is no program", "there is no user", "there is no group", "does not exist",
               "cannot be opened", "No such file", "there is no unit")
    return [problem for problem in json.loads(told.stdout)["problems"]
            if not any(words in problem["message"] for words in of_host)]


class Schema(unittest.TestCase):
    def setUp(self):
        self.units = schema()
        self.daemon = schema("--daemon")

    def test_is_a_schema(self):
        for validator in (self.units, self.daemon):
            jsonschema.Draft202012Validator.check_schema(validator.schema)

    def test_accepts_the_examples(self):
        files = sorted(Path(ARGUMENTS.source, "units/examples").glob("*.toml"))
        self.assertTrue(files)
        for file in files:
            errors = list(self.units.iter_errors(tomllib.loads(file.read_text())))
            self.assertEqual(errors, [], file)

    def test_agrees_with_check(self):
        for validator, name, good, bad in ((self.units, "web.toml", GOOD, BAD),
                                           (self.daemon, "keel.toml", GOOD_DAEMON, BAD_DAEMON)):
            for text in good:
                with self.subTest(text):
                    self.assertEqual(problems_of(text, name), [])
                    self.assertEqual(list(validator.iter_errors(tomllib.loads(text))), [])
            for text in bad:
                with self.subTest(text):
                    self.assertTrue(problems_of(text, name))
                    self.assertFalse(accepts(validator, text))

    def test_refuses_nothing_that_check_accepts(self):
        seen = 0
        for file in sorted(Path(ARGUMENTS.source, "tests/fuzz/corpus/unit_file").iterdir()):
            try:
                text = file.read_text()
                document = tomllib.loads(text)
            except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
                continue
            if problems_of(text, "web.toml"):
                continue
            seen += 1
            self.assertEqual(list(self.units.iter_errors(document)), [], file)
        self.assertGreater(seen, 3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--keel", required=True)
    parser.add_argument("--source", required=True)
    ARGUMENTS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
