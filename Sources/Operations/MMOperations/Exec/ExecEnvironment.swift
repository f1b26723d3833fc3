import MMCore
import MMIdentity
import MMShell

/// What a program finds in its environment: what is known to be harmless of its caller's, the way out through the wire, and
/// an identity that every library of Microsoft's comes upon before any other.
enum ExecEnvironment {
    /// What a terminal's programs need besides.
    private static let terminalNames = ["TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CI"]

    /// The variables of a program.
    /// - Parameters:
    ///   - given: those of its caller.
    ///   - names: further ones that the caller hands on.
    ///   - wire: those by which the wire and the identity are found.
    ///   - account: whose sign-in it has.
    static func variables(
        _ given: [String: String], handing names: [String], _ wire: [String: String], of connection: Connection,
        _ cloud: Cloud, _ account: SignedInAccount
    ) throws(MMError) -> [String: String] {
        var made = ShellEnvironment.scrubbed(given)
        for name in terminalNames { made[name] = given[name] }
        for name in names {
            guard !EnvironmentConnection.secretVariables.contains(name), !name.hasPrefix("MM_") else {
                throw MMError(
                    .denied, "\(name) holds what the program is not to have.", hint: "Leave --env \(name) out.",
                    details: ["field": "env"])
            }
            made[name] = given[name]
        }
        made.merge(identity(wire, of: connection, cloud, account)) { _, own in own }
        made.merge(wire) { _, own in own }
        // What runs here can't confirm for a person: this marks everything it starts.
        made["MM_SESSION"] = "\(connection.name)/exec"
        return made
    }

    private static func identity(
        _ wire: [String: String], of connection: Connection, _ cloud: Cloud, _ account: SignedInAccount
    ) -> [String: String] {
        var made: [String: String] = [
            // Chains of credentials leave out what looks for people's own sign-ins on this machine.
            "AZURE_TOKEN_CREDENTIALS": "prod", "AZURE_TENANT_ID": account.tenantID,
            "AZURE_AUTHORITY_HOST": (cloud.name == "sandbox" ? "https://login.microsoftonline.com" : cloud.login) + "/",
            // Terraform's providers.
            "ARM_USE_MSI": "true", "ARM_USE_CLI": "false", "ARM_TENANT_ID": account.tenantID,
            // Programs that tell their makers of each use find nobody to tell.
            "AZURE_CORE_COLLECT_TELEMETRY": "no", "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "POWERSHELL_TELEMETRY_OPTOUT": "1", "CHECKPOINT_DISABLE": "1", "DOTNET_EnableDiagnostics": "0",
        ]
        made["ARM_MSI_ENDPOINT"] = wire["IDENTITY_ENDPOINT"]
        if let subscription = connection.subscription, GUID.isValid(subscription) {
            made["ARM_SUBSCRIPTION_ID"] = subscription
            made["AZURE_SUBSCRIPTION_ID"] = subscription
        }
        return made
    }
}
