package import MMCore

/// A cmdlet call for InvokeCommand: the cmdlet's canonical name, and its parameters as the service takes them.
package struct ExchangeCommand: Sendable, Hashable {
    /// The cmdlet's name as the service spells it.
    package let cmdlet: String
    /// The members of `Parameters`.
    package var parameters: JSONObject
    /// Headers for common parameters, such as `WarningAction`.
    package var headers: [String: String] = [:]
    /// The maximum number of rows in total; `nil` for all.
    package var limit: Int?
    /// The maximum number of rows per page, 1 to 1000.
    package var pageSize = ExchangeCommand.maxPageSize
    /// Whether the identity decides where the request is routed (`-UseCustomRouting`).
    package var usesCustomRouting = false
    /// The properties to request; empty for all.
    package var properties: [String] = []

    /// The service's maximum page size.
    package static let maxPageSize = 1000

    /// Creates a call of a cmdlet.
    package init(_ cmdlet: String, _ parameters: JSONObject = [:]) {
        self.cmdlet = cmdlet
        self.parameters = parameters
    }

    /// Whether the cmdlet only reads, so that running it twice does no harm.
    package var isReadOnly: Bool {
        let name = cmdlet.lowercased()
        return name.hasPrefix("get-") || Self.readers.contains(name)
    }

    /// The advice where it isn't known whether a cmdlet that changes something ran.
    var checkFirst: String { "It isn't known whether \(cmdlet) ran: check before running it again." }

    private static let readers: Set<String> = [
        "search-unifiedauditlog", "search-adminauditlog", "search-mailboxauditlog", "search-messagetrackingreport",
    ]

    /// The body of the request.
    package var body: JSONValue {
        ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
    }

    /// The time that Microsoft's module waits for the cmdlet: the service's own 15 minutes plus one, longer for a few.
    var timeout: Duration {
        switch cmdlet.lowercased() {
        case "get-distributiongroupmember", "update-distributiongroupmember", "set-unifiedgroup",
            "import-transportrulecollection":
            .seconds(3660)
        case "set-organizationconfig", "update-rolegroupmember": .seconds(1860)
        default: .seconds(960)
        }
    }
}
