package import MMCore

/// A cmdlet with bound parameters, ready to be sent to `InvokeCommand`.
package struct ExchangeCall: Sendable {
    /// The cmdlet's name in its proper spelling.
    package internal(set) var cmdlet: String
    /// The members of `Parameters`.
    package internal(set) var parameters = JSONObject()
    /// The headers that some parameters turn into.
    package internal(set) var headers: [String: String] = [:]
    /// The number of rows per page, when the call limits the number of rows.
    package internal(set) var pageSize: Int?
    /// The total number of rows; `nil` when unlimited or unspecified.
    package internal(set) var limit: Int?
    /// Whether `-UseCustomRouting` was given, so that the routing anchor comes from the identity.
    package internal(set) var usesCustomRouting = false

    /// The requested properties; empty for all.
    package internal(set) var properties: [String] = []
    /// Whether the cmdlet would ask for confirmation before it acts.
    package internal(set) var asksFirst = false
    /// Whether the cmdlet has a `-ResultSize`, and therefore a default limit.
    package internal(set) var takesResultSize = false
    /// The value of `-ErrorAction` in lower case.
    package internal(set) var errorAction: String?
    /// A common parameter that only PowerShell itself can implement.
    package internal(set) var powerShellOnlyParameter: String?

    init(cmdlet: String) { self.cmdlet = cmdlet }

    /// Whether a parameter was given, ignoring case.
    func has(_ name: String) -> Bool { parameters.keys.contains { $0.lowercased() == name.lowercased() } }

    /// The request's body.
    package var body: JSONValue {
        ["CmdletInput": ["CmdletName": .string(cmdlet), "Parameters": .object(parameters)]]
    }
}

/// The reason why a command line can't be bound: PowerShell's error id, and a message that names the remedy.
package struct BindingFault: Error, Sendable, Hashable {
    /// PowerShell's fault id.
    package let id: String
    /// What is wrong, and what would be correct.
    package let message: String

    /// Whether only a real PowerShell can carry out the line.
    package let needsPowerShell: Bool

    init(_ id: String, _ message: String, needsPowerShell: Bool = false) {
        self.id = id
        self.message = message
        self.needsPowerShell = needsPowerShell
    }
}

extension ExchangeCall {
    // The properties that a `Get-EXO…` cmdlet always returns; all it returns when none are requested.
    private static let minimum = [
        "ExternalDirectoryObjectId", "UserPrincipalName", "Alias", "DisplayName", "Name", "Identity", "Id",
        "PrimarySmtpAddress", "EmailAddresses", "RecipientType", "RecipientTypeDetails", "DistinguishedName", "Guid",
        "ExchangeGuid", "OrganizationId",
    ]

    /// The call of the cmdlet that a `Get-EXO…` cmdlet stands for. In the module these cmdlets have endpoints of their
    /// own.
    var withoutItsOwnEndpoint: ExchangeCall {
        guard cmdlet.lowercased().hasPrefix("get-exo") else { return self }
        var call = self
        let noun = String(cmdlet.dropFirst("get-exo".count))
        call.cmdlet = noun.lowercased() == "casmailbox" ? "Get-CASMailbox" : "Get-\(noun)"
        // Whatever names the mailbox becomes the identity of that cmdlet.
        for name in ["ExternalDirectoryObjectId", "ExchangeGuid", "UserPrincipalName", "PrimarySmtpAddress"] {
            guard let value = call.parameters.remove(name), value.string?.isEmpty != true else { continue }
            if call.parameters["Identity"] == nil { call.parameters["Identity"] = value }
        }
        call.parameters.remove("DatabaseGuid")
        let sets = call.parameters.remove("PropertySets")?.array?.compactMap(\.string) ?? []
        let asked = call.parameters.remove("Properties")?.array?.compactMap(\.string) ?? []
        call.parameters.remove("Async")
        let isListing = ["mailbox", "recipient", "casmailbox"].contains(noun.lowercased())
        guard isListing, !asked.isEmpty, sets.isEmpty, !asked.contains("*") else { return call }
        call.properties = ExchangeCall.minimum
        for name in asked where !call.properties.contains(where: { $0.lowercased() == name.lowercased() }) {
            call.properties.append(name)
        }
        return call
    }
}
