import Glibc

/// The programs that these tests run: the release programs where `MM_PROGRAMS` names their folder, as `make test` does, since
/// some faults show in optimised programs alone; else those that were built beside the tests.
enum Programs {
    /// `mm`.
    static let mm = folder + "/mm"
    /// `mm-mcp`.
    static let mmMCP = folder + "/mm-mcp"
    /// The Python that has the MCP SDK, MSAL and requests; `nil` where it can't be had.
    static let python: String? = {
        let path = packageFolder + "/.build/python/bin/python"
        return access(path, X_OK) == 0 && access(packageFolder + "/.build/python/.installed", R_OK) == 0 ? path : nil
    }()
    /// Headless Chromium; `nil` where it is not installed.
    static let chromium: String? = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first { (path: String) in
        access(path, X_OK) == 0
    }

    /// The package's folder: the sources' own place is known to the compiler.
    static let packageFolder: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(4)
        return parts.joined(separator: "/")
    }()

    private static let folder: String = {
        if let chosen = getenv("MM_PROGRAMS").map({ String(cString: $0) }), !chosen.isEmpty {
            return chosen.hasPrefix("/") ? chosen : packageFolder + "/" + chosen
        }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink("/proc/self/exe", &buffer, buffer.count - 1))
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // The tests run inside the bundle that lies beside the programs, or inside a helper of the toolchain.
        if access(path.dropLast(path.split(separator: "/").last?.count ?? 0) + "mm", X_OK) == 0 {
            return String(path.dropLast((path.split(separator: "/").last?.count ?? 0) + 1))
        }
        return packageFolder + "/.build/debug"
    }()
}
