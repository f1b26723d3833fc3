/// The selection of environment variables that a shell inherits from the process that starts it.
public enum ShellEnvironment {
    private static let names: Set<String> = [
        "HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", "EDITOR", "VISUAL", "PAGER",
        "SSH_AUTH_SOCK", "SSH_AGENT_PID", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XAUTHORITY",
        "MANPATH", "INFOPATH", "LS_COLORS", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "VIRTUAL_ENV", "CONDA_PREFIX", "JAVA_HOME", "GOPATH", "CARGO_HOME", "RUSTUP_HOME", "NVM_DIR",
    ]

    /// Returns only variables that are known to be harmless. Tokens and other secrets of the program are left out, as
    /// are variables that control shells and loaders (`BASH_ENV`, `LD_PRELOAD`).
    public static func scrubbed(_ environment: [String: String]) -> [String: String] {
        var kept = environment.filter { name, _ in
            names.contains(name) || name.hasPrefix("LC_") || (name.hasPrefix("XDG_") && name != "XDG_ACTIVATION_TOKEN")
        }
        if kept["PATH"]?.isEmpty ?? true { kept["PATH"] = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" }
        if kept["HOME"]?.isEmpty ?? true { kept["HOME"] = "/" }
        return kept
    }
}
