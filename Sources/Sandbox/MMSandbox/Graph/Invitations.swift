internal import MMCore
internal import MMHTTP

/// Invitations: guests that come into the directory.
struct Invitations {
    let context: TenantContext
    let store: DirectoryStore

    /// `POST /invitations`.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse {
        guard call.segments.count == 1 else { throw .unknownSegment(call.segments[1].name) }
        guard call.request.method == "POST" else { throw .notAllowed(call.request.method) }
        let roles = store.roles(of: call.principal)
        guard
            !call.principal.permissions.isDisjoint(with: [
                "User.Invite.All", "User.ReadWrite.All", "Directory.ReadWrite.All",
            ]), call.principal.isApp || roles.contains(.globalAdministrator) || roles.contains(.userAdministrator)
        else { throw .denied }
        let body = try call.object()
        let address = body["invitedUserEmailAddress"]?.string ?? ""
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, parts[1].contains(".") else {
            throw GraphFailure(400, "BadRequest", "The invited user email address is invalid.")
        }
        guard let back = body["inviteRedirectUrl"]?.string, back.contains("://") else {
            throw GraphFailure(400, "BadRequest", "The inviteRedirectUrl property is required and must be a valid URL.")
        }
        guard store.table(.domains).find(String(parts[1]).lowercased()) == nil else {
            throw GraphFailure(
                400, "BadRequest",
                "The invited user already exists in the directory as object ID: . They can use that account to sign in to shared apps and resources."
            )
        }
        let guest = guest(address, name: body["invitedUserDisplayName"]?.string ?? String(parts[0]))
        let answer: JSONObject = [
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#invitations/$entity"),
            "id": .string(RandomBytes.uuid()),
            "inviteRedeemUrl": .string(
                "\(context.base)/redeem?rd=\(PercentCoding.encode(back, isPlain: PercentCoding.isSegmentByte))"),
            "invitedUserDisplayName": guest["displayName"] ?? .null,
            "invitedUserType": body["invitedUserType"] ?? "Guest", "invitedUserEmailAddress": .string(address),
            "sendInvitationMessage": body["sendInvitationMessage"] ?? false, "resetRedemption": false,
            "inviteRedirectUrl": .string(back), "status": "PendingAcceptance",
            "invitedUserMessageInfo": body["invitedUserMessageInfo"]
                ?? ["messageLanguage": .null, "customizedMessageBody": .null, "ccRecipients": []],
            "invitedUser": ["id": guest["id"] ?? .null],
        ]
        return GraphAnswers.json(.object(answer), status: 201)
    }

    /// The guest of an address: the one that was invited before, or a new one.
    private func guest(_ address: String, name: String) -> JSONObject {
        let nickname = "\(address.map { $0 == "@" ? "_" : String($0) }.joined())#EXT#"
        let principal = "\(nickname)@\(TenantIdentity.domain)"
        if let known = store.user(principal) { return known.members(of: .user) }
        var row: JSONObject = [:]
        for property in EntityKind.user.properties {
            row[property] = EntityKind.user.types[property] == .collection ? [] : .null
        }
        let written: JSONObject = [
            "id": .string(RandomBytes.uuid()), "displayName": .string(name), "mail": .string(address),
            "userPrincipalName": .string(principal), "mailNickname": .string(nickname), "accountEnabled": true,
            "userType": "Guest", "creationType": "Invitation", "externalUserState": "PendingAcceptance",
            "externalUserStateChangeDateTime": .string(ServiceTime.text(context.now)),
            "createdDateTime": .string(ServiceTime.text(context.now)), "otherMails": [.string(address)],
            "proxyAddresses": [.string("SMTP:\(address)")],
        ]
        for (property, value) in written { row[property] = value }
        store.insert(row, into: .users)
        return row
    }
}
