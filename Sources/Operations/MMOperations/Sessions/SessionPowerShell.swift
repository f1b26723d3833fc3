import MMCore
import MMPowerShell

/// The PowerShell that runs a connection's modules.
enum SessionPowerShell {
    /// Returns the location of PowerShell. Real modules can't reach the sandbox tenant, so its sessions use the
    /// stand-in, which signs in at the tenant's own address, unless an environment variable names another program.
    /// - Parameters:
    ///   - sandbox: the address of the sandbox tenant's sign-in service, if the connection is to the sandbox.
    ///   - environment: the environment of this process.
    /// - Throws: `unavailable` with a hint how to install it.
    static func location(sandbox: String?, _ environment: [String: String]) throws(MMError) -> PowerShellLocation {
        if let sandbox, !PowerShellLocator.isNamed(in: environment) {
            return PowerShellLocation(
                program: try OwnProgram.sandbox(environment), arguments: ["pwsh", "--sandbox", sandbox], reason: .named)
        }
        return try PowerShellLocator(environment: environment).locate()
    }

    /// Returns whether there is a PowerShell for a connection on this machine. Since every call asks, a positive result
    /// is cached for a second; a session that starts looks for the program itself.
    static func exists(for connection: Connection, _ environment: [String: String]) -> Bool {
        let isSandbox = connection.cloud == "sandbox"
        let place = Place(
            isSandbox: isSandbox,
            names: (PowerShellLocator.variables + ["MM_SANDBOX", "PATH", "HOME"]).map { environment[$0] })
        if found.withLock({ $0[place].map { $0.duration(to: .now) < .seconds(1) } ?? false }) { return true }
        guard (try? location(sandbox: isSandbox ? "" : nil, environment)) != nil else { return false }
        found.withLock { found in
            if found.count > 16 { found = [:] }
            found[place] = .now
        }
        return true
    }

    /// The values that decide which program is found.
    private struct Place: Hashable {
        let isSandbox: Bool
        let names: [String?]
    }

    private static let found = Mutex<[Place: ContinuousClock.Instant]>([:])
}
