import Glibc
import MMPowerShell

/// This process's environment, for tests that need a real PowerShell.
enum RealPowerShell {
    /// Its location; `nil` if there is none.
    static let location = try? PowerShellLocator(environment: environment).locate()

    static var environment: [String: String] {
        var all: [String: String] = [:]
        for name in ["MM_PWSH", "PWSH_PATH", "PATH", "HOME", "DOTNET_ROOT"] {
            if let value = getenv(name) { all[name] = String(cString: value) }
        }
        return all
    }
}
