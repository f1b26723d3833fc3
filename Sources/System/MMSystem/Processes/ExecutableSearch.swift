import Glibc

/// Finds programs by name.
package enum ExecutableSearch {
    /// Returns the first executable file of this name in the folders of `path`, or nil. A name with a slash is used as
    /// it is; relative folders are skipped.
    package static func find(_ name: String, path: String) -> String? {
        guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
        if name.contains("/") { return isExecutable(name) ? name : nil }
        return path.split(separator: ":").lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
            .first(where: isExecutable)
    }

    /// Returns the first executable file of this name in the search path of an environment.
    package static func find(_ name: String, in environment: [String: String]) -> String? {
        find(name, path: path(of: environment))
    }

    /// Returns the search path of an environment; without `PATH`, the folders of installed programs.
    package static func path(of environment: [String: String]) -> String {
        environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    }

    /// Returns whether a path leads to a file that may be run.
    package static func isExecutable(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
