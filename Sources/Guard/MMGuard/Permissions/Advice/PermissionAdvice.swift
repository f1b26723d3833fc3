package import MMCore

/// Why a service refused a request, as far as it can be known, and what would help.
package struct PermissionAdvice: Sendable {
    /// The kind of reason.
    package enum Reason: String, Sendable {
        /// The app lacks a permission.
        case permission
        /// The call isn't open to this kind of sign-in at all.
        case signInKind
        /// The person lacks a role of Entra ID.
        case directoryRole
        /// The person may take up a role and hasn't.
        case inactiveRole
        /// The account lacks a role of Exchange.
        case exchangeRole
        /// The account lacks an action of Azure.
        case azureRole
        /// The account lacks a role in an environment of Power Platform.
        case environmentRole
        /// Somebody's mailbox, site, chat or team, which wasn't opened to the person.
        case access
        /// A licence is missing.
        case licence
        /// A policy wants a new or stronger sign-in.
        case conditionalAccess
        /// Permission and role are there: it lies with the object or with a policy.
        case object
        /// No table knows the call.
        case unknown
    }

    /// The kind of reason.
    package var reason: Reason
    /// What is missing and what grants it, in one to three sentences.
    package var hint: String
    /// The same for programs.
    package var details: JSONObject
    /// Roles of which one suffices and none is active, the one with the fewest rights first.
    package var wantedRoles: [EntraRole] = []

    package init(_ reason: Reason, _ hint: String, details: JSONObject = [:], wantedRoles: [EntraRole] = []) {
        self.reason = reason
        self.hint = hint
        self.details = details
        self.wantedRoles = wantedRoles
        self.details["reason"] = .string(reason.rawValue)
    }

    /// The same once it is known which roles the person may take up: one that suffices is named instead of the missing one.
    /// - Parameters:
    ///   - eligible: ids of the templates of those roles.
    ///   - place: where the connection signs in.
    package func activating(_ eligible: Set<String>, at place: ConsentPlace) -> PermissionAdvice {
        guard let role = wantedRoles.first(where: { eligible.contains($0.id) }) else { return self }
        var details = details
        details["role"] = .string(role.name)
        details["roleTemplateId"] = .string(role.id)
        return PermissionAdvice(
            .inactiveRole,
            "Activate the role \(role.name) in Privileged Identity Management: the account is eligible for it, and it isn't "
                + "active now. Then: \(place.renewal).",
            details: details)
    }
}
