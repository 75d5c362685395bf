// Pairs of instance state and event that mean nothing: such a step stays where it is.
//
// Private to core/instance.cpp. Every pair that does not stand here needs an on() there, or step()
// does not compile.
#pragma once
#include "core/instance.hpp"

namespace keel::core {

template <class State, class Event> inline constexpr bool ignored = false;
template <> inline constexpr bool ignored<Stopped, HandedBack> = true;
template <> inline constexpr bool ignored<Stopped, Recalled> = true;
template <> inline constexpr bool ignored<Stopped, StopWanted> = true;
template <> inline constexpr bool ignored<Stopped, GateChanged> = true;
template <> inline constexpr bool ignored<Stopped, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Stopped, Tick> = true;
template <> inline constexpr bool ignored<Blocked, HandedBack> = true;
template <> inline constexpr bool ignored<Blocked, Recalled> = true;
template <> inline constexpr bool ignored<Starting, GateChanged> = true;
template <> inline constexpr bool ignored<Starting, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Starting, TreeEmptied> = true;
template <> inline constexpr bool ignored<Ready, GateChanged> = true;
template <> inline constexpr bool ignored<Ready, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Ready, ShownReady> = true;
template <> inline constexpr bool ignored<Ready, Spawned> = true;
template <> inline constexpr bool ignored<Ready, SpawnFailed> = true;
template <> inline constexpr bool ignored<Ready, TreeEmptied> = true;
template <> inline constexpr bool ignored<Unready, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Unready, ShownReady> = true;
template <> inline constexpr bool ignored<Unready, Spawned> = true;
template <> inline constexpr bool ignored<Unready, SpawnFailed> = true;
template <> inline constexpr bool ignored<Unready, TreeEmptied> = true;
template <> inline constexpr bool ignored<Stopping, Recalled> = true;
template <> inline constexpr bool ignored<Stopping, GateChanged> = true;
template <> inline constexpr bool ignored<Stopping, ShownReady> = true;
template <> inline constexpr bool ignored<Stopping, Spawned> = true;
template <> inline constexpr bool ignored<Stopping, ProbeAnswered> = true;
template <> inline constexpr bool ignored<Stopping, HeardOut> = true;
template <> inline constexpr bool ignored<Backoff, HandedBack> = true;
template <> inline constexpr bool ignored<Backoff, Recalled> = true;
template <> inline constexpr bool ignored<Backoff, GateChanged> = true;
template <> inline constexpr bool ignored<Done, HandedBack> = true;
template <> inline constexpr bool ignored<Done, Recalled> = true;
template <> inline constexpr bool ignored<Done, GateChanged> = true;
template <> inline constexpr bool ignored<Done, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Done, Tick> = true;
template <> inline constexpr bool ignored<Failed, HandedBack> = true;
template <> inline constexpr bool ignored<Failed, Recalled> = true;
template <> inline constexpr bool ignored<Failed, GateChanged> = true;
template <> inline constexpr bool ignored<Failed, GiveUpWanted> = true;
template <> inline constexpr bool ignored<Failed, Tick> = true;
template <> inline constexpr bool ignored<Preparing, GateChanged> = true;  // asked at its end
template <> inline constexpr bool ignored<Preparing, GiveUpWanted> = true; // as any start
template <> inline constexpr bool ignored<Preparing, HandedBack> = true;   // its hook has its time
template <> inline constexpr bool ignored<Preparing, Tick> = true;         // the hook's is all
// Only what is in service can reload; whoever asks is told so.
template <> inline constexpr bool ignored<Stopped, ReloadWanted> = true;
template <> inline constexpr bool ignored<Blocked, ReloadWanted> = true;
template <> inline constexpr bool ignored<Preparing, ReloadWanted> = true;
template <> inline constexpr bool ignored<Starting, ReloadWanted> = true;
template <> inline constexpr bool ignored<Stopping, ReloadWanted> = true;
template <> inline constexpr bool ignored<Backoff, ReloadWanted> = true;
template <> inline constexpr bool ignored<Done, ReloadWanted> = true;
template <> inline constexpr bool ignored<Failed, ReloadWanted> = true;
// No hook runs beside these; one that runs beside Ready and Unready has no say.
template <> inline constexpr bool ignored<Stopped, HookOver> = true;
template <> inline constexpr bool ignored<Blocked, HookOver> = true;
template <> inline constexpr bool ignored<Starting, HookOver> = true;
template <> inline constexpr bool ignored<Ready, HookOver> = true;
template <> inline constexpr bool ignored<Unready, HookOver> = true;
template <> inline constexpr bool ignored<Backoff, HookOver> = true;
template <> inline constexpr bool ignored<Done, HookOver> = true;
template <> inline constexpr bool ignored<Failed, HookOver> = true;

/// Events of a hook's spawn that mean nothing.
template <class Event> inline constexpr bool ignored_of_hook = false;
template <> inline constexpr bool ignored_of_hook<Spawned> = true;
template <> inline constexpr bool ignored_of_hook<ProbeAnswered> = true;
template <> inline constexpr bool ignored_of_hook<Notified> = true;
template <> inline constexpr bool ignored_of_hook<ShownReady> = true;
template <> inline constexpr bool ignored_of_hook<HeardOut> = true;

} // namespace keel::core
