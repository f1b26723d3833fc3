import MMCore

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
