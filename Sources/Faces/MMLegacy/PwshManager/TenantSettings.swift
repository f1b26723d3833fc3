package import MMCore
import MMOperations

/// The settings that the session manager reads from its environment, with its own defaults.
package struct TenantSettings: Sendable {
    /// The time between two passes of the watchdog.
    package var watchInterval: Duration = .seconds(30)
    /// How long a sign-in may wait for approval.
    package var pendingLimit: Duration = .seconds(300)
    /// How long a session may be idle before it is ended.
    package var idleLimit: Duration = .seconds(3600)
    /// How long a command may exceed its time limit before its session is ended.
    package var stuckLimit: Duration = .seconds(120)
    /// The time limit of a command.
    package var commandLimit: Duration = .seconds(300)
    /// Aliases of tenants.
    package var aliases: [String: String] = [:]
    /// The first label of the SharePoint host, by tenant.
    package var sharePointHosts: [String: String] = [:]

    package init() {}

    /// Reads the settings from an environment.
    /// - Throws: `invalidInput`, naming the variable.
    package init(environment: [String: String]) throws(MMError) {
        watchInterval = try Self.seconds("PWSH_WATCHDOG_INTERVAL", environment) ?? watchInterval
        pendingLimit = try Self.seconds("PWSH_AUTH_TIMEOUT", environment) ?? pendingLimit
        idleLimit = try Self.seconds("PWSH_IDLE_TIMEOUT", environment) ?? idleLimit
        stuckLimit = try Self.seconds("PWSH_STUCK_TIMEOUT", environment) ?? stuckLimit
        commandLimit = try Self.seconds("PWSH_MANAGER_TIMEOUT", environment) ?? commandLimit
        aliases = try Self.pairs("PWSH_TENANT_ALIASES", environment)
        sharePointHosts = try Self.pairs("PWSH_SHAREPOINT_TENANTS", environment)
    }

    /// The environment variables, for help texts.
    package static let variables: [ProfileSetting] = [
        .init("PWSH_MANAGER_URL", standard: "http://localhost:5100", "The session manager that the tools talk to."),
        .init("PWSH_MANAGER_PORT", standard: "5100", "The port of the HTTP interface."),
        .init("PWSH_MANAGER_LOG_LEVEL", standard: "INFO", "DEBUG, INFO, WARNING or ERROR."),
        .init("PWSH_MANAGER_TOKEN_DIR", standard: "~/.mm-graph-tokens", "Where token caches lie."),
        .init("PWSH_MANAGER_DEBUG", standard: "false", "true logs everything that happens."),
        .init("PWSH_MANAGER_TIMEOUT", standard: "300", "Seconds that a command may take."),
        .init("PWSH_WATCHDOG_INTERVAL", standard: "30", "Seconds between two looks at the sessions."),
        .init("PWSH_AUTH_TIMEOUT", standard: "300", "Seconds that a sign-in may wait for its person."),
        .init("PWSH_IDLE_TIMEOUT", standard: "3600", "Seconds until a session that nobody uses ends."),
        .init("PWSH_STUCK_TIMEOUT", standard: "120", "Seconds that a command may hang past its time."),
        .init("PWSH_TENANT_ALIASES", standard: "", "Short names: contoso=contoso.com,personal=example.com."),
        .init("PWSH_SHAREPOINT_TENANTS", standard: "", "SharePoint host labels: contoso.com=contosoltd."),
    ]

    /// Returns the environment as the rest of the product reads it, translated from the manager's own variables.
    package static func product(_ environment: [String: String]) -> [String: String] {
        var adapted = environment
        for (theirs, ours) in [("PWSH_MANAGER_TOKEN_DIR", "MM_TOKEN_DIR"), ("PWSH_MANAGER_LOG_LEVEL", "MM_LOG_LEVEL")] {
            if let value = environment[theirs], !value.isEmpty, environment[ours] == nil { adapted[ours] = value }
        }
        if environment["PWSH_MANAGER_DEBUG"]?.lowercased() == "true", environment["MM_LOG_LEVEL"] == nil {
            adapted["MM_LOG_LEVEL"] = "DEBUG"
        }
        return adapted
    }

    private static func seconds(_ name: String, _ environment: [String: String]) throws(MMError) -> Duration? {
        guard let text = environment[name], !text.isEmpty else { return nil }
        guard let number = Int(text), (1...31_536_000).contains(number) else {
            throw MMError(
                .invalidInput, "\(name) can't be `\(text.prefix(40))`.", hint: "Give whole seconds, such as 300.")
        }
        return .seconds(number)
    }

    private static func pairs(_ name: String, _ environment: [String: String]) throws(MMError) -> [String: String] {
        var pairs: [String: String] = [:]
        for part in (environment[name] ?? "").split(separator: ",") {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false).map(\.trimmed)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw MMError(
                    .invalidInput, "\(name) can't hold `\(part.prefix(60))`.",
                    hint: "Give pairs with commas: contoso=contoso.com,personal=example.com.")
            }
            pairs[sides[0].lowercased()] = sides[1]
        }
        return pairs
    }
}
