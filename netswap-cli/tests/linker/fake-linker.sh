#!/bin/sh
# Stands for the real linker: prints its arguments, into a file if told so, copies standard input to
# standard error, calls another program, "links" by copying a file, and ends as it is told.
for argument in "$@"; do
    printf '<%s>\n' "$argument" >> "${FAKE_LOG:-/dev/stdout}"
done
cat >&2
if [ -n "$FAKE_CALLS" ]; then
    exec "$FAKE_CALLS" "$@"
fi
if [ -n "$FAKE_IMAGE" ]; then
    cp "$FAKE_IMAGE" "$FAKE_OUTPUT" || exit 99
fi
if [ -n "$FAKE_SIGNAL" ]; then
    kill -s "$FAKE_SIGNAL" $$
fi
exit "${FAKE_STATUS:-0}"
