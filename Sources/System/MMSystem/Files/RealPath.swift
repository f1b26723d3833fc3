import Glibc

/// Resolves paths.
package enum RealPath {
    /// Returns a path without symbolic links; `nil` if nothing exists there.
    package static func of(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    /// Returns whether a path is a folder or inside it; both must be free of symbolic links.
    package static func lies(_ path: String, in folder: String) -> Bool {
        path == folder || path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
    }
}
