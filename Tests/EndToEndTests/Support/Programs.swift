import Glibc
import TestSupport

/// The programs that these tests run: the release programs where `MM_PROGRAMS` names their folder, as `make test` does, since
/// some faults show in optimised programs alone; else those that were built beside the tests.
enum Programs {
    /// `mm`.
    static let mm = folder + "/mm"
    /// `mm-mcp`.
    static let mmMCP = folder + "/mm-mcp"
    /// `mm-sandbox`.
    static let mmSandbox = folder + "/mm-sandbox"
    /// The Python that has the MCP SDK, MSAL and requests; `nil` where it can't be had.
    static let python: String? = {
        let path = packageFolder + "/.build/python/bin/python"
        return access(path, X_OK) == 0 && access(packageFolder + "/.build/python/.installed", R_OK) == 0 ? path : nil
    }()
    /// Headless Chromium; `nil` where it is not installed.
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
