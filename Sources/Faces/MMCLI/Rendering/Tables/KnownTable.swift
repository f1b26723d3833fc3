import MMCore
import MMOperations

/// The columns that a person wants to see first of objects of a known kind.
struct KnownTable: Sendable {
    /// Members that only objects of this kind have together.
    let members: [String]
    /// The columns in order; those that no row has are left out.
    let columns: [String]

    /// The kind of these rows, told by the members of the first one.
    static func of(_ items: [JSONValue]) -> KnownTable? {
        guard let first = items.first?.object else { return nil }
        return all.first { table in table.members.allSatisfy { first[$0] != nil } }
    }

    /// Kinds whose members are also those of others come after them.
    private static let all: [KnownTable] = [
        // Microsoft Graph
        .init(
            ["appDisplayName", "userPrincipalName", "createdDateTime"],
            "createdDateTime userPrincipalName appDisplayName status.errorCode ipAddress conditionalAccessStatus "
                + "clientAppUsed"),
        .init(
            ["activityDisplayName", "activityDateTime"],
            "activityDateTime activityDisplayName initiatedBy.user.userPrincipalName initiatedBy.app.displayName result"
        ),
        .init(
            ["deviceName", "complianceState"],
            "deviceName userPrincipalName operatingSystem complianceState lastSyncDateTime"),
        .init(
            ["userPrincipalName"],
            "displayName userPrincipalName accountEnabled userType jobTitle department mail"),
        .init(
            ["skuPartNumber", "consumedUnits"],
            "skuPartNumber consumedUnits prepaidUnits.enabled capabilityStatus"),
        .init(["groupTypes"], "displayName mail groupTypes securityEnabled visibility description"),
        .init(
            ["subject", "receivedDateTime"], "receivedDateTime from.emailAddress.address subject isRead hasAttachments"),
        .init(
            ["subject", "start", "end"],
            "start.dateTime end.dateTime subject organizer.emailAddress.address location.displayName"),
        .init(
            ["name", "parentReference", "lastModifiedDateTime"],
            "name size lastModifiedDateTime lastModifiedBy.user.displayName webUrl"),
        .init(["webUrl", "siteCollection"], "displayName webUrl createdDateTime lastModifiedDateTime"),
        .init(
            ["deviceId", "operatingSystem"],
            "displayName operatingSystem operatingSystemVersion trustType isCompliant approximateLastSignInDateTime"),
        .init(["appId", "servicePrincipalType"], "displayName appId servicePrincipalType accountEnabled"),
        .init(["appId", "signInAudience"], "displayName appId signInAudience createdDateTime"),
        .init(["grantControls", "state"], "displayName state createdDateTime modifiedDateTime"),
        .init(["roleTemplateId"], "displayName description"),
        .init(["membershipType"], "displayName membershipType description"),
        .init(["isVerified", "authenticationType"], "id isDefault isVerified authenticationType"),
        // Exchange
        .init(
            ["PrimarySmtpAddress", "RecipientTypeDetails"],
            "DisplayName PrimarySmtpAddress RecipientTypeDetails ForwardingSmtpAddress WhenCreated"),
        // What Group-Object makes
        .init(["Values", "Count", "Group", "Name"], "Count Name"),
        // Power Automate, Power Platform and Azure
        .init(
            ["properties", "name", "location"], "name properties.displayName properties.state location type"),
        .init(["properties", "name"], "properties.displayName properties.state properties.createdTime name"),
    ]

    private init(_ members: [String], _ columns: String) {
        self.members = members
        self.columns = columns.split(separator: " ").map(String.init)
    }
}
