/// The entity types of mail, calendar, files and teams.
extension EntityKind {
    static let message = EntityKind(
        "message",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c receivedDateTime:d sentDateTime:d \
        hasAttachments:b internetMessageId subject bodyPreview importance parentFolderId conversationId \
        isDeliveryReceiptRequested:b isReadReceiptRequested:b isRead:b isDraft:b webLink inferenceClassification \
        body:o sender:o from:o toRecipients:c ccRecipients:c bccRecipients:c replyTo:c flag:o
        """,
        page: 10, limit: 1000,
        readOnly: "id createdDateTime lastModifiedDateTime changeKey receivedDateTime sentDateTime bodyPreview webLink",
        searched: "subject bodyPreview from", etag: true)

    static let mailFolder = EntityKind(
        "mailFolder",
        "id displayName parentFolderId childFolderCount:n unreadItemCount:n totalItemCount:n sizeInBytes:n isHidden:b",
        page: 10, limit: 1000, readOnly: "id childFolderCount unreadItemCount totalItemCount sizeInBytes",
        required: "displayName")

    static let attachment = EntityKind(
        "attachment", "id lastModifiedDateTime:d name contentType size:n isInline:b contentBytes", page: 100,
        readOnly: "id lastModifiedDateTime size", required: "name", searched: "name", abstract: true)

    static let event = EntityKind(
        "event",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c iCalUId subject bodyPreview importance \
        sensitivity isAllDay:b isCancelled:b isOrganizer:b isOnlineMeeting:b responseRequested:b showAs type webLink \
        hasAttachments:b body:o start:o end:o location:o attendees:c organizer:o recurrence:o
        """,
        page: 10, limit: 1000,
        readOnly: "id createdDateTime lastModifiedDateTime changeKey iCalUId webLink bodyPreview",
        searched: "subject bodyPreview", etag: true)

    static let calendar = EntityKind(
        "calendar", "id name color changeKey canShare:b canViewPrivateItems:b canEdit:b isDefaultCalendar:b owner:o",
        page: 10, readOnly: "id changeKey", required: "name", searched: "name")

    static let contact = EntityKind(
        "contact",
        """
        id createdDateTime:d lastModifiedDateTime:d changeKey categories:c displayName givenName surname jobTitle \
        companyName mobilePhone businessPhones:c emailAddresses:c
        """, page: 10, limit: 1000, readOnly: "id createdDateTime lastModifiedDateTime changeKey", etag: true)

    static let drive = EntityKind(
        "drive", "id createdDateTime:d description driveType lastModifiedDateTime:d name webUrl owner:o quota:o",
        searched: "name")

    static let driveItem = EntityKind(
        "driveItem",
        """
        id createdDateTime:d lastModifiedDateTime:d name webUrl size:n cTag eTag createdBy:o lastModifiedBy:o \
        parentReference:o file:o folder:o root:o shared:o fileSystemInfo:o description
        """, page: 200, limit: 1000, readOnly: "id createdDateTime lastModifiedDateTime webUrl size cTag eTag",
        required: "name",
        searched: "name")

    static let site = EntityKind(
        "site",
        "id createdDateTime:d lastModifiedDateTime:d name webUrl displayName description root:o siteCollection:o",
        page: 200, searched: "name displayName")

    static let list = EntityKind(
        "list",
        "id createdDateTime:d lastModifiedDateTime:d name webUrl displayName description eTag list:o", page: 200,
        readOnly: "id createdDateTime lastModifiedDateTime webUrl eTag", required: "displayName", etag: true)

    static let listItem = EntityKind(
        "listItem",
        "id createdDateTime:d lastModifiedDateTime:d webUrl eTag contentType:o createdBy:o fields:o", page: 200,
        readOnly: "id createdDateTime lastModifiedDateTime webUrl eTag", searched: "id", etag: true)

    static let team = EntityKind(
        "team",
        "id createdDateTime:d displayName description classification specialization visibility webUrl isArchived:b memberSettings:o",
        readOnly: "id createdDateTime webUrl", required: "displayName")

    static let channel = EntityKind(
        "channel", "id createdDateTime:d displayName description email webUrl membershipType isArchived:b",
        readOnly: "id createdDateTime webUrl email", required: "displayName")

    static let chat = EntityKind(
        "chat", "id topic createdDateTime:d lastUpdatedDateTime:d chatType webUrl tenantId", page: 20, limit: 50,
        readOnly: "id createdDateTime lastUpdatedDateTime webUrl tenantId", required: "chatType", searched: "topic")

    static let chatMessage = EntityKind(
        "chatMessage",
        """
        id replyToId etag messageType createdDateTime:d lastModifiedDateTime:d deletedDateTime:d subject summary chatId \
        importance locale webUrl from:o body:o channelIdentity:o attachments:c mentions:c reactions:c
        """, page: 20, limit: 50, readOnly: "id etag createdDateTime lastModifiedDateTime chatId webUrl",
        required: "body", searched: "subject")

    static let conversationMember = EntityKind(
        "conversationMember", "id roles:c displayName userId email visibleHistoryStartDateTime:d",
        readOnly: "id displayName email")
}
