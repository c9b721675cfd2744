{
  "targets": [
    {
      "target_name": "aiopipe",
      "sources": [
        "binding.c",
        "checked.c",
        "calls.c",
        "local_calls.c",
        "poll.c",
        "poll_uv.c",
        "poll_thread.c",
        "spin.c",
        "child.c",
        "spawn_child.c",
        "limits.c",
        "system.c",
        "terminal.c",
        "local_socket.c",
        "transfer.c",
        "memory.c",
        "lingering.c",
        "process.c",
        "lifeline.c",
        "guard.c"
      ],
      "conditions": [
        ["OS=='linux'", {
          "sources": ["platform_linux.c", "ready_linux.c", "nowait_linux.c", "memory_linux.c", "exit_watch_linux.c", "exit_waiter.c", "spawn_linux.c", "guard_linux.c"]
        }],
        ["OS=='mac'", {
          "sources": ["platform_portable.c", "ready_mac.c", "nowait_portable.c", "memory_portable.c", "spawn_portable.c", "guard_portable.c", "mac.c"]
        }]
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=gnu11", "-O2", "-fno-plt", "-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-Werror=unused-result", "-fvisibility=hidden"],
      "xcode_settings": { "GCC_C_LANGUAGE_STANDARD": "gnu11", "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Werror=unused-result"] }
    }
  ]
}
