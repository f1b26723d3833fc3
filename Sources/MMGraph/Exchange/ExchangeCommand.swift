package import MMCore

/// A cmdlet as InvokeCommand is asked for it: its own spelling, and its parameters as the service takes them.
package struct ExchangeCommand: Sendable {
    /// The cmdlet's own spelling.
    package let cmdlet: String
    /// The members of `Parameters`.
    package var parameters: JSONObject
    /// Headers that common parameters turn into, such as `WarningAction`.
    package var headers: [String: String] = [:]
    /// Most rows in all; `nil` for all there are.
    package var limit: Int?
    /// Most rows a page, 1 to 1000.
    package var pageSize = ExchangeCommand.largestPage
    /// Whether the identity says where the request is routed to (`-UseCustomRouting`).
    package var usesCustomRouting = false
    /// Properties that the service is asked for; empty for all.
    package var properties: [String] = []

    /// The service's own most.
    package static let largestPage = 1000

    /// A cmdlet with its parameters.
    package init(_ cmdlet: String, _ parameters: JSONObject = [:]) {
        self.cmdlet = cmdlet
        self.parameters = parameters
    }

    /// Whether running it twice does no harm: it only reads.
    package var onlyReads: Bool {
        let name = cmdlet.lowercased()
        return name.hasPrefix("get-") || Self.readers.contains(name)
    }

    private static let readers: Set<String> = [
        "search-unifiedauditlog", "search-adminauditlog", "search-mailboxauditlog", "search-messagetrackingreport",
    ]

    /// The body of the request.
    package var body: JSONValue {
        ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
    }

    /// How long the module waits for it: the service's own 15 minutes and one more, longer for a few.
    var patience: Duration {
        switch cmdlet.lowercased() {
        case "get-distributiongroupmember", "update-distributiongroupmember", "set-unifiedgroup",
            "import-transportrulecollection":
            .seconds(3660)
        case "set-organizationconfig", "update-rolegroupmember": .seconds(1860)
        default: .seconds(960)
        }
    }
}
