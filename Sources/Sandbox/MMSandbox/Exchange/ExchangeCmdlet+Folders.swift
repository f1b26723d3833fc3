internal import MMCore

/// Cmdlets on who may do what in a folder of a mailbox.
extension ExchangeCmdlet {
    static let folderPermissions: [ExchangeCmdlet] = [
        ExchangeCmdlet("Get-MailboxFolderPermission", .reading, "Identity User GroupMailbox") {
            (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard call.text("User") != nil else { return try .page(of: organization.permissions(on: folder), call) }
            let place = try organization.place(in: folder, call)
            return try .page(of: [organization.permissions(on: folder)[place]], call)
        },
        ExchangeCmdlet(
            "Add-MailboxFolderPermission", .managing,
            "Identity User AccessRights SharingPermissionFlags SendNotificationToUser:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            guard (try? organization.place(in: folder, call)) == nil else {
                throw ExchangeFailure(
                    400, "BadRequest",
                    type: "Microsoft.Exchange.Management.StoreTasks.UserAlreadyExistsInPermissionEntryException",
                    "An existing permission entry was found for user: \(call.text("User") ?? "").")
            }
            let row = ExchangeOrganization.permission(folder, try organization.holder(call), rights)
            organization.writtenFolders[folder.key] = organization.permissions(on: folder) + [row]
            return .row(row, call)
        },
        ExchangeCmdlet(
            "Set-MailboxFolderPermission", .managing,
            "Identity User AccessRights SharingPermissionFlags SendNotificationToUser:b"
        ) { (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            guard let rights = call.texts("AccessRights"), !rights.isEmpty else { throw .missing("AccessRights") }
            let place = try organization.place(in: folder, call)
            var rows = organization.permissions(on: folder)
            rows[place]["AccessRights"] = .array(rights.map { .string($0) })
            organization.writtenFolders[folder.key] = rows
            return .nothing
        },
        ExchangeCmdlet("Remove-MailboxFolderPermission", .managing, "Identity User") {
            (organization, call) throws(ExchangeFailure) in
            let folder = try organization.folder(call)
            let place = try organization.place(in: folder, call)
            var rows = organization.permissions(on: folder)
            rows.remove(at: place)
            organization.writtenFolders[folder.key] = rows
            return .nothing
        },
    ]
}

/// A folder of a mailbox.
struct ExchangeFolder {
    let mailbox: ExchangeMailbox
    let name: String

    var key: String { "\(mailbox.id)/\(name.lowercased())" }
}

extension ExchangeOrganization {
    fileprivate func folder(_ call: ExchangeCall) throws(ExchangeFailure) -> ExchangeFolder {
        guard let identity = call.text("Identity") else { throw .missing("Identity") }
        let mailbox = try mailboxes.find(String(identity.prefix { $0 != ":" }))
        let name = identity.contains(":\\") ? String(identity.drop { $0 != "\\" }.dropFirst()) : "Calendar"
        return ExchangeFolder(mailbox: mailbox, name: name)
    }

    fileprivate static func permission(_ folder: ExchangeFolder, _ user: String, _ rights: [String]) -> JSONObject {
        [
            "Identity": .string("\(folder.mailbox.name):\\\(folder.name)"), "FolderName": .string(folder.name),
            "User": .string(user), "AccessRights": .array(rights.map { .string($0) }), "SharingPermissionFlags": .null,
        ]
    }

    fileprivate func permissions(on folder: ExchangeFolder) -> [JSONObject] {
        writtenFolders[folder.key] ?? [
            Self.permission(folder, "Default", ["AvailabilityOnly"]), Self.permission(folder, "Anonymous", ["None"]),
        ]
    }

    /// Whom a call names, as a folder's permissions show it.
    fileprivate func holder(_ call: ExchangeCall) throws(ExchangeFailure) -> String {
        guard let user = call.text("User") else { throw .missing("User") }
        if let own = ["Default", "Anonymous"].first(where: { $0.lowercased() == user.lowercased() }) { return own }
        return try mailboxes.find(user).name
    }

    /// The place of the entry that a call names.
    fileprivate func place(in folder: ExchangeFolder, _ call: ExchangeCall) throws(ExchangeFailure) -> Int {
        let holder = try holder(call)
        guard let place = permissions(on: folder).firstIndex(where: { $0["User"]?.string == holder }) else {
            throw ExchangeFailure(
                400, "BadRequest",
                type: "Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException",
                "There is no existing permission entry found for user: \(call.text("User") ?? "").")
        }
        return place
    }
}
