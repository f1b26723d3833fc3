import Glibc

/// strace(1), which sees the system calls of programs and ends them at a certain one.
enum Strace {
    /// strace, where it is installed and may trace a child; `nil` elsewhere.
    static let program: String? = {
        let path = "/usr/bin/strace"
        guard access(path, X_OK) == 0 else { return nil }
        var child = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] =
            ["strace", "-o", "/dev/null", "/bin/true"].map { (word: String) in strdup(word) } + [nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawn(&child, path, nil, nil, &arguments, environ) == 0 else { return nil }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 { if errno != EINTR { return nil } }
        return status == 0 ? path : nil
    }()
}
