/* Everything in Reel. */
#ifndef REEL_REEL_H
#define REEL_REEL_H

#include <reel/benchmark.h>
#include <reel/capture.h>
#include <reel/context.h>
#include <reel/function.h>
#include <reel/import.h>
#include <reel/listener.h>
#include <reel/module.h>
#include <reel/native.h>
#include <reel/plugin.h>
#include <reel/recorder.h>
#include <reel/replay.h>
#include <reel/stack.h>
#include <reel/status.h>
#include <reel/trace.h>
#include <reel/value.h>

#endif
