import MMCore

/// A part of what administrators do with Graph, by calls that stand for reading and changing it.
struct PermissionArea: Sendable {
    let name: String
    let reading: String?
    let writing: String?

    private init(_ name: String, _ reading: String?, _ writing: String? = nil) {
        self.name = name
        self.reading = reading
        self.writing = writing
    }

    /// The areas, most used first.
    static let all: [PermissionArea] = [
        PermissionArea("users", "GET /users", "PATCH /users/{id}"),
        PermissionArea("guests", nil, "POST /invitations"),
        PermissionArea("groups", "GET /groups", "PATCH /groups/{id}"),
        PermissionArea("group members", "GET /groups/{id}/members", "POST /groups/{id}/members/$ref"),
        PermissionArea("licences", "GET /subscribedSkus", "POST /users/{id}/assignLicense"),
        PermissionArea("mail", "GET /users/{id}/messages", "PATCH /users/{id}/messages/{id}"),
        PermissionArea("sending mail", nil, "POST /users/{id}/sendMail"),
        PermissionArea("mailbox settings", "GET /users/{id}/mailboxSettings", "PATCH /users/{id}/mailboxSettings"),
        PermissionArea("calendars", "GET /users/{id}/events", "POST /users/{id}/events"),
        PermissionArea("contacts", "GET /users/{id}/contacts", "POST /users/{id}/contacts"),
        PermissionArea("files", "GET /drives/{id}/items/{id}", "PATCH /drives/{id}/items/{id}"),
        PermissionArea("sites", "GET /sites/{id}/lists", "POST /sites/{id}/lists"),
        PermissionArea("teams", "GET /teams/{id}", "PATCH /teams/{id}"),
        PermissionArea(
            "channel messages", "GET /teams/{id}/channels/{id}/messages", "POST /teams/{id}/channels/{id}/messages"),
        PermissionArea("chats", "GET /chats/{id}/messages", "POST /chats/{id}/messages"),
        PermissionArea("tasks", "GET /users/{id}/todo/lists", "POST /users/{id}/todo/lists"),
        PermissionArea(
            "devices", "GET /deviceManagement/managedDevices", "POST /deviceManagement/managedDevices/{id}/syncDevice"),
        PermissionArea(
            "device settings", "GET /deviceManagement/deviceConfigurations",
            "POST /deviceManagement/deviceConfigurations"),
        PermissionArea("apps", "GET /applications", "PATCH /applications/{id}"),
        PermissionArea("enterprise apps", "GET /servicePrincipals", "PATCH /servicePrincipals/{id}"),
        PermissionArea("app consents", "GET /oauth2PermissionGrants", "DELETE /oauth2PermissionGrants/{id}"),
        PermissionArea(
            "roles", "GET /roleManagement/directory/roleAssignments", "POST /roleManagement/directory/roleAssignments"),
        PermissionArea(
            "sign-in methods", "GET /users/{id}/authentication/methods",
            "DELETE /users/{id}/authentication/phoneMethods/{id}"),
        PermissionArea(
            "conditional access", "GET /identity/conditionalAccess/policies",
            "PATCH /identity/conditionalAccess/policies/{id}"),
        PermissionArea("sign-in log", "GET /auditLogs/signIns"),
        PermissionArea("audit log", "GET /auditLogs/directoryAudits"),
        PermissionArea(
            "risky users", "GET /identityProtection/riskyUsers", "POST /identityProtection/riskyUsers/dismiss"),
        PermissionArea("security alerts", "GET /security/alerts_v2", "PATCH /security/alerts_v2/{id}"),
        PermissionArea("usage reports", "GET /reports/getOffice365ActiveUserDetail(period='D7')"),
        PermissionArea("service health", "GET /admin/serviceAnnouncement/healthOverviews"),
        PermissionArea("domains", "GET /domains", "PATCH /domains/{id}"),
        PermissionArea("organization", "GET /organization", "PATCH /organization/{id}"),
        PermissionArea("SharePoint settings", "GET /admin/sharepoint/settings", "PATCH /admin/sharepoint/settings"),
    ]
}
