/// The family of Microsoft's own client apps that share refresh tokens, so that a person who signed in to one of them has
/// signed in to all (`foci` in answers of the token endpoint, `family_id` in MSAL's cache).
enum ClientFamily {
    /// Returns the family of an app that the service hasn't named one for yet; `nil` for all but the vendor's command
    /// line clients.
    static func of(_ clientID: String) -> String? { members.contains(clientID.lowercased()) ? "1" : nil }

    private static let members: Set<String> = [
        // Azure CLI, Azure PowerShell.
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2",
    ]
}
