import MMCore
import MMSessions

/// A session as the file of sessions keeps it: what was connected, as whom. Earlier pools wrote the same members.
struct RestoredSession: Sendable, Hashable {
    /// Which session.
    let key: SessionKey
    /// The tenant, for people who read the file.
    let tenant: String?
    /// The app, for people who read the file.
    let appID: String?
    /// The account that had signed in.
    let account: String
    /// When it was seen signed in last.
    let savedAt: Timestamp

    /// As the file holds it.
    var json: JSONValue {
        [
            "connection_name": .string(key.connection), "module": .string(key.module),
            "tenant": tenant.map { .string($0) } ?? .null, "app_id": appID.map { .string($0) } ?? .null,
            "authenticated_as": .string(account), "saved_at": .string(savedAt.iso8601),
        ]
    }

    init(key: SessionKey, tenant: String?, appID: String?, account: String, savedAt: Timestamp) {
        self.key = key
        self.tenant = tenant
        self.appID = appID
        self.account = account
        self.savedAt = savedAt
    }

    /// An entry of the file; `nil` for what is none. Earlier pools wrote local times without a zone: their age is not known.
    init?(_ json: JSONValue, now: Timestamp) {
        guard let connection = json["connection_name"]?.string, let module = json["module"]?.string,
            !connection.isEmpty, !module.isEmpty
        else { return nil }
        key = SessionKey(connection: connection, module: module)
        tenant = json["tenant"]?.string
        appID = json["app_id"]?.string
        account = json["authenticated_as"]?.string ?? ""
        savedAt = json["saved_at"]?.string.flatMap { Timestamp(iso8601: $0) } ?? now
    }
}
