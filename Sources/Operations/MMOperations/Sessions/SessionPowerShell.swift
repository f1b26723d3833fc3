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

    /// Whether there is one for a connection on this machine.
    static func exists(for connection: Connection, _ environment: [String: String]) -> Bool {
        let sandbox = connection.cloud == "sandbox" ? "" : nil
        return (try? location(for: connection, sandbox: sandbox, environment)) != nil
    }
}
