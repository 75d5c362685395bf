// Result<T>: a value, or an Error that says what failed, on what, and with which errno.
//
// For the world's misbehaviour only (EAGAIN, disk full, refused). A bug in Keel is an ENSURE
// (ensure.hpp); a mistake in a unit file is a units::Problem; a failing unit is an event.
#pragma once
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace keel {

/// What was attempted ("open"), on what ("/run/keel/control.sock"), and the errno (0: none).
struct Error {
    std::string what;
    std::string subject;
    int errno_value = 0;

    /// One line for people: `open /run/keel/control.sock: Permission denied`.
    [[nodiscard]] std::string text() const
    {
        std::string line = what;
        if (!subject.empty()) line += " " + subject;
        if (errno_value != 0) line += std::string(": ") + strerrordesc(errno_value);
        return line;
    }

    /// The current errno as an Error. Call it before anything else can change errno.
    static Error from_errno(std::string what, std::string subject = {})
    {
        const int saved = errno;
        return Error{std::move(what), std::move(subject), saved};
    }

private:
    static const char* strerrordesc(int number)
    {
        const char* text = ::strerrordesc_np(number);
        return text != nullptr ? text : "unknown error";
    }
};

template <class T> class [[nodiscard]] Result {
public:
    Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : outcome_(std::in_place_index<1>, std::move(error)) {}

    [[nodiscard]] bool ok() const { return outcome_.index() == 0; }
    explicit operator bool() const { return ok(); }

    [[nodiscard]] T& value() { return std::get<0>(outcome_); }
    [[nodiscard]] const T& value() const { return std::get<0>(outcome_); }
    [[nodiscard]] const Error& error() const { return std::get<1>(outcome_); }

    T& operator*() { return value(); }
    const T& operator*() const { return value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

private:
    std::variant<T, Error> outcome_;
};

template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) : error_(std::move(error)), ok_(false) {}

    [[nodiscard]] bool ok() const { return ok_; }
    explicit operator bool() const { return ok_; }
    [[nodiscard]] const Error& error() const { return error_; }

private:
    Error error_;
    bool ok_ = true;
};

} // namespace keel
