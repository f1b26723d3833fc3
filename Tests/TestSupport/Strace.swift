import Glibc

/// strace(1), which shows the system calls of programs and can kill them at a certain one.
package enum Strace {
    /// strace, if it is installed and may trace a child; otherwise `nil`.
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
    /// A script for `/bin/sh` that becomes a slow shell: interactive, it notices each process that it has started only
    /// after 0.3 s, as on a busy machine.
    package static func starter(of shell: String) -> String {
        """
        #!/bin/sh
        case " $* " in *" -i "*) ;; *) exec '\(shell)' "$@" ;; esac
        exec strace -DDD -qq -f -o /dev/null -e trace=fork,vfork,clone,clone3 \
        -e inject=fork,vfork,clone,clone3:delay_exit=300000 '\(shell)' "$@"

        """
    }
}
