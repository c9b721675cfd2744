{
  "targets": [
    {
      "target_name": "aiopipe",
      "sources": [
        "binding.c",
        "checked.c",
        "calls.c",
        "poll.c",
        "spin.c",
        "child.c",
        "system.c",
        "transfer.c",
        "process.c",
        "lifeline.c",
        "guard.c",
        "platform_<(OS).c",
        "nowait_<(OS).c",
        "exit_watch_<(OS).c",
        "spawn_<(OS).c",
        "guard_<(OS).c"
      ],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=gnu11", "-O2", "-fno-plt", "-Wall", "-Wextra", "-Werror=implicit-function-declaration", "-Werror=unused-result", "-fvisibility=hidden"],
      "xcode_settings": { "GCC_C_LANGUAGE_STANDARD": "gnu11", "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Werror=unused-result"] }
    }
  ]
}
