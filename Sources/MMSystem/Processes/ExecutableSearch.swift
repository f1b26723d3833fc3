import Glibc

/// Finding a program by name.
package enum ExecutableSearch {
    /// The first file of this name in the folders of `path` that may be run, or nil. A name with a slash is taken as it
    /// is; folders that are not absolute are passed over.
    package static func find(_ name: String, path: String) -> String? {
        guard !name.isEmpty, !name.utf8.contains(0) else { return nil }
        if name.contains("/") { return isExecutable(name) ? name : nil }
        return path.split(separator: ":").lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
            .first(where: isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
