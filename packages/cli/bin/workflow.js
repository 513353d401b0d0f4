#!/usr/bin/env node
import { runProcess } from '#process'

runProcess()
