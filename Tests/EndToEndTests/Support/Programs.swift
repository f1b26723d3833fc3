import Glibc
import TestSupport

/// The programs that these tests run: the release programs if `MM_PROGRAMS` names their folder, as `make test` does,
/// because some bugs show only in optimised programs; otherwise those built with the tests.
enum Programs {
    /// `mm`.
    static let mm = folder + "/mm"
    /// `mm-mcp`.
    static let mmMCP = folder + "/mm-mcp"
    /// `mm-sandbox`.
    static let mmSandbox = folder + "/mm-sandbox"
    /// A Python with the MCP SDK, MSAL and requests; `nil` if it isn't available.
    static let python: String? = {
        let path = packageFolder + "/.build/python/bin/python"
        return access(path, X_OK) == 0 && access(packageFolder + "/.build/python/.installed", R_OK) == 0 ? path : nil
    }()
    /// Headless Chromium; `nil` if it isn't installed.
    static let chromium: String? = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first { (path: String) in
        access(path, X_OK) == 0
    }

    /// The package's folder.
    static let packageFolder = BuiltPrograms.packageFolder

    private static let folder: String = {
        if let chosen = getenv("MM_PROGRAMS").map({ String(cString: $0) }), !chosen.isEmpty {
            return chosen.hasPrefix("/") ? chosen : packageFolder + "/" + chosen
        }
        guard let mm = try? BuiltPrograms.path("mm") else { return packageFolder + "/.build/debug" }
        return String(mm.dropLast("/mm".count))
    }()
}
