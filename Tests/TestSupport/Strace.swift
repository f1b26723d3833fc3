import Glibc

/// strace(1), which sees the system calls of programs and ends them at a certain one.
package enum Strace {
    /// strace, where it is installed and may trace a child; `nil` elsewhere.
    package static let program: String? = {
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
    /// A script for `/bin/sh` that becomes a shell. An interactive one learns late, by 0.3 s, of each process that it has
    /// started, as on a busy machine: what it started is ahead of it.
    package static func starter(of shell: String) -> String {
        """
        #!/bin/sh
        case " $* " in *" -i "*) ;; *) exec '\(shell)' "$@" ;; esac
        exec strace -DDD -qq -f -o /dev/null -e trace=fork,vfork,clone,clone3 \
        -e inject=fork,vfork,clone,clone3:delay_exit=300000 '\(shell)' "$@"

        """
    }
}
