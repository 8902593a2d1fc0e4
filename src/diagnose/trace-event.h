/* diagnose/trace-event.h -- which calls are worth to be kept: rules of thumb. */
#pragma once

#include "diagnose/trace.h"

/* An error that is no failure but the ordinary way of asynchronous programs. */
bool trace_error_is_noise(int error);

/* Of what succeeded: programs that ran, ports, and files that may be configuration. */
bool trace_event_is_of_interest(const struct trace_event *e);
