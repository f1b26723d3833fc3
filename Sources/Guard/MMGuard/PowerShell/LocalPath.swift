internal import MMCore

/// Judges paths in the local file system that a script names.
enum LocalPath {
    private static let dataEndings: Set<String> = [
        "csv", "tsv", "json", "jsonl", "txt", "xml", "html", "htm", "log", "md", "clixml", "yaml", "yml",
    ]

    /// Returns whether writing to a path creates nothing but a data file in the working folder: the path is relative,
    /// has no `..`, hidden names, drives or wildcards, and ends like a data file.
    static func isDataFile(_ path: String) -> Bool {
        var path = spelt(path)[...]
        if path.hasPrefix("./") { path = path.dropFirst(2) }
        guard isPlain(path), !path.contains(where: { "*?[]~".contains($0) }), let dot = path.lastIndex(of: ".") else {
            return false
        }
        return dataEndings.contains(path[path.index(after: dot)...].asciiLowercased)
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0.first != "."
            }
    }

    /// Returns whether a path can only refer to files: it has no drive or provider, which could be the environment or
    /// variables.
    static func isFilePath(_ path: String) -> Bool {
        !path.contains(":") && !path.contains("\\") && path.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 }
    }

    /// Returns whether a path stays below the working folder: it is relative and has no `..`, hidden names or drives.
    static func isInWorkFolder(_ path: String) -> Bool {
        var path = spelt(path)[...]
        if path.hasPrefix("./") { path = path.dropFirst(2) }
        if path == "." || path.isEmpty { return true }
        return isPlain(path) && !path.hasPrefix("~")
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { $0.first != "." }
            && ![".ps1", ".psm1", ".psd1", ".ps1xml", ".sh"].contains(where: path.asciiLowercased.hasSuffix)
    }

    /// Returns whether a text can only be a path on this machine outside of the working folder.
    static func isForeign(_ text: String) -> Bool {
        switch text.utf8.first {
        case UInt8(ascii: "/"):
            let roots = ["etc", "root", "home", "proc", "sys", "var", "usr", "tmp", "opt", "dev", "run", "mnt"]
            let first = text.dropFirst().prefix { $0 != "/" }
            return roots.contains { first == $0 }
        case UInt8(ascii: "~"): return text.hasPrefix("~/") || text.hasPrefix("~\\")
        case UInt8(ascii: "."): return text.hasPrefix("../") || text.hasPrefix("..\\")
        case UInt8(ascii: "f"): return text.hasPrefix("file:")
        default: return false
        }
    }

    /// Returns whether a host serves a tenant's sites.
    static func isTenantHost(_ host: String) -> Bool {
        [".sharepoint.com", ".sharepoint.us", ".sharepoint.cn"].contains(where: host.hasSuffix)
    }

    /// Returns a path as PowerShell reads it: both kinds of slash separate folders, on every system.
    private static func spelt(_ path: String) -> String { path.replacing("\\", with: "/") }

    private static func isPlain(_ path: Substring) -> Bool {
        guard let first = path.first, first != "/", first != "-" else { return false }
        return path.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 && $0 != ":" && $0 != "\\" && $0 != "`" }
    }
}
