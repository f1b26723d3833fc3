/// Whom a connection signs in as, as far as a script's own sign-in can be compared with it. What isn't known is empty, and
/// compares with anything.
package struct SignInIdentity: Sendable, Hashable {
    /// Name of the connection.
    package var connection: String
    /// Ids and domains of its tenant.
    package var tenants: [String] = []
    /// Names and object ids of its account.
    package var accounts: [String] = []
    /// Ids of its apps.
    package var apps: [String] = []
    /// The first label of its SharePoint host.
    package var site: String?
    /// Whether an app signs in by itself, and no person.
    package var isApp = false

    /// An identity of which only the connection is known.
    package init(connection: String) { self.connection = connection }

    /// Whether the value of a parameter is this identity's; `nil` where that can't be told.
    func matches(_ value: String, as role: SignInCmdlet.Role) -> Bool? {
        switch role {
        case .tenant:
            // Words that leave the tenant to the account.
            if ["common", "organizations"].contains(value.lowercased()) { return true }
            if Self.isID(value), !tenants.contains(where: Self.isID) { return nil }
            if !Self.isID(value), tenants.allSatisfy(Self.isID) { return nil }
            return Self.contains(tenants, value)
        case .account:
            if Self.isID(value), !accounts.contains(where: Self.isID) { return nil }
            return accounts.isEmpty ? nil : Self.contains(accounts, value)
        case .app: return apps.isEmpty ? nil : Self.contains(apps, value)
        case .site: return site.flatMap { Self.matches(host: value, label: $0) }
        default: return nil
        }
    }

    /// Whether the address of a site is one of a tenant's, by the first label of its hosts.
    private static func matches(host address: String, label: String) -> Bool? {
        var rest = Substring(address.lowercased())
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        let host = rest.prefix { $0 != "/" && $0 != ":" && $0 != "?" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 2, parts[1] == "sharepoint" || parts[1] == "sharepoint-mil" else { return nil }
        return ["", "-admin", "-my"].contains { parts[0] == label.lowercased() + $0 }
    }

    private static func contains(_ all: [String], _ value: String) -> Bool {
        all.contains { $0.lowercased() == value.lowercased() }
    }

    /// Whether a text has the form of an id.
    fileprivate static func isID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }
}

extension SignInIdentity {
    /// The id of its tenant.
    package var tenantID: String? { tenants.first(where: Self.isID) }
    /// A domain of its tenant.
    package var domain: String? { tenants.first { !Self.isID($0) } }
}

extension OwnSignIn {
    /// The permissions of Graph that a script asks for and a sign-in lacks. One that also writes, or is for all, serves for less.
    package static func lacking(_ wanted: [String], of granted: [String]) -> [String] {
        let has = Set(granted.map { $0.lowercased() })
        let usual: Set<String> = ["openid", "profile", "email", "offline_access", ".default"]
        return wanted.filter { scope in
            let name = scope.split(separator: "/").last?.lowercased() ?? ""
            guard !name.isEmpty, !usual.contains(name), !has.contains(name) else { return false }
            let parts = name.split(separator: ".").map(String.init)
            guard parts.count > 1, parts[1] == "read" else { return true }
            return !has.contains(([parts[0], "readwrite"] + parts.dropFirst(2)).joined(separator: "."))
        }
    }

    /// What is said of permissions that a sign-in lacks.
    package static func warning(_ lacking: [String], of connection: String) -> String {
        "The sign-in of \(connection) lacks what the script asks for: \(lacking.joined(separator: ", "))."
    }
}
