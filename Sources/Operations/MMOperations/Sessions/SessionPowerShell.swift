import MMCore
import MMPowerShell

/// Which PowerShell runs a connection's modules.
enum SessionPowerShell {
    /// Where it is. The sandbox tenant has no service that a real module could reach: its sessions run on the stand-in, which
    /// signs in at the tenant's own address, unless a variable says otherwise.
    /// - Parameters:
    ///   - connection: whose modules.
    ///   - sandbox: address of the sandbox tenant's sign-in service, where the connection is one to it.
    ///   - environment: of this process.
    /// - Throws: `unavailable` with how to install one.
    static func location(
        for connection: Connection, sandbox: String?, _ environment: [String: String]
    ) throws(MMError) -> PowerShellLocation {
        if let sandbox, !PowerShellLocator.isNamed(in: environment) {
            return PowerShellLocation(
                program: try OwnProgram.sandbox(environment), arguments: ["pwsh", "--sandbox", sandbox], reason: .named)
        }
        return try PowerShellLocator(environment: environment).locate()
    }

    /// Whether there is one for a connection on this machine. Every call asks; programs seldom come and go, and a session
    /// that is started meanwhile looks for itself, so what was found a moment ago still is.
    static func exists(for connection: Connection, _ environment: [String: String]) -> Bool {
        let isSandbox = connection.cloud == "sandbox"
        let place = Place(
            isSandbox: isSandbox,
            names: (PowerShellLocator.variables + ["MM_SANDBOX", "PATH", "HOME"]).map { environment[$0] })
        if found.withLock({ $0[place].map { $0.duration(to: .now) < .seconds(1) } ?? false }) { return true }
        guard (try? location(for: connection, sandbox: isSandbox ? "" : nil, environment)) != nil else { return false }
        found.withLock { found in
            if found.count > 16 { found = [:] }
            found[place] = .now
        }
        return true
    }

    /// What decides where one is found.
    private struct Place: Hashable {
        let isSandbox: Bool
        let names: [String?]
    }

    private static let found = Mutex<[Place: ContinuousClock.Instant]>([:])
}
