internal import MMCore

/// The settings of mailboxes: those that everybody starts with, and what somebody wrote.
final class MailboxSettings {
    private let store: DirectoryStore
    /// What was written, by owner.
    private var changed: [String: JSONObject] = [:]

    init(store: DirectoryStore) { self.store = store }

    subscript(owner: String) -> JSONObject {
        get { changed[owner] ?? start(owner) }
        set { changed[owner] = newValue }
    }

    private func start(_ id: String) -> JSONObject {
        let language = store.user(id)?["preferredLanguage"]?.string ?? "en-US"
        return [
            "archiveFolder": .null, "timeZone": "UTC", "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "yyyy-MM-dd", "timeFormat": "HH:mm", "userPurpose": "user",
            "automaticRepliesSetting": [
                "status": "disabled", "externalAudience": "all", "internalReplyMessage": "", "externalReplyMessage": "",
            ],
            "language": ["locale": .string(language), "displayName": .string(language)],
            "workingHours": [
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"], "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000", "timeZone": ["name": "UTC"],
            ],
        ]
    }
}
