/* diagnose/surroundings.h -- whether a unit would find here what it needs. */
#pragma once

#include "diagnose/facts.h"

/* Adds messages to f->config for what the machine lacks: users, groups, programs and their
 * interpreters and libraries, working directories, environment files, the folders of append: and
 * file:, paths of the sandbox, credentials; each LOG_ERR where the start would fail, with the line
 * that asks for it; and LOG_WARNING for ports that are taken or may not be bound, and for a program
 * that will never notify, for settings without control groups or namespaces to be had. `f` needs a
 * unit and its config only. `elsewhere`: the root folder is not that of the running machine, whose
 * ports, control groups and namespaces say nothing of it. Returns 0 or -ENOMEM. */
int surroundings_check(struct facts *f, bool elsewhere);
