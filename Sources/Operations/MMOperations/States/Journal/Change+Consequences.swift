import MMCore

extension Change {
    /// What follows from the change beyond what it writes, as Microsoft documents it.
    package var consequences: [String] {
        guard cmdlet == nil else { return cmdletConsequences }
        guard service == .graph else { return flowConsequences }
        switch kind {
        case .deletion where isTopLevel: return deletionConsequences
        case .deletion
        where ["members", "owners"].contains(
            place.lowercased().split(separator: "/").dropLast().last.map(String.init) ?? ""):
            return ["Without /$ref at the end this deletes the object itself, not the membership."]
        case .licenses: return licenseConsequences
        case .properties: return propertyConsequences
        case .reference, .link, .unlink, .creation, .restoration, .action, .deletion: return []
        }
    }

    private var deletionConsequences: [String] {
        switch collection.lowercased() {
        case "users", "me":
            return [
                "The user can't sign in any more; licences become free.",
                "The user can be restored for 30 days; mailbox and OneDrive are deleted after that time.",
            ]
        case "groups":
            guard let types = before?["groupTypes"]?.array else {
                return ["Unknown whether it can be restored: only Microsoft 365 groups can."]
            }
            guard types.contains("Unified") else {
                return memberConsequences + [
                    "A security or distribution group can't be restored: its members and permissions are gone."
                ]
            }
            let team = before?["resourceProvisioningOptions"]?.array?.contains("Team") ?? false
            return memberConsequences + [
                "\(team ? "Its team, site" : "Its site"), mailbox and plans are deleted with it.",
                "It can be restored with them for 30 days.",
            ]
        case "applications": return ["Nobody can sign in to the app any more; it can be restored for 30 days."]
        case "serviceprincipals":
            return ["The app's permissions in this tenant end; the service principal can be restored for 30 days."]
        case "devices": return ["The device loses its registration; its BitLocker keys are deleted with it."]
        default: return []
        }
    }

    private var memberConsequences: [String] {
        guard let count = before?["members"]?["count"]?.int else { return ["Unknown how many members it has."] }
        guard count > 0 else { return ["It has no members."] }
        let names = before?["members"]?["first"]?.array?.compactMap(\.string) ?? []
        let more = count > names.count ? " and \(count - names.count) more" : ""
        return [
            "\(count == 1 ? "1 member loses" : "\(count) members lose") what the group gives: \(names.joined(separator: ", "))\(more)."
        ]
    }

    private var licenseConsequences: [String] {
        let (old, new) = (before?["assignedLicenses"]?.object, after?["assignedLicenses"]?.object)
        guard let old, let new, isBeforeKnown else { return [] }
        let gone = old.keys.filter { new[$0] == nil }
        let mailboxes = gone.filter { LicenseProduct.holdsMailbox($0) == true }
        let unknown = gone.filter { LicenseProduct.holdsMailbox($0) == nil }
        var texts: [String] = []
        if !mailboxes.isEmpty {
            let names = mailboxes.map(LicenseProduct.name).joined(separator: ", ")
            texts.append(
                "\(names) holds a plan of Exchange Online: unless another licence does, too, the mailbox is deleted 30 days after its removal."
            )
        }
        if !unknown.isEmpty {
            texts.append("Unknown whether \(unknown.joined(separator: ", ")) holds a mailbox.")
        }
        return texts
    }

    private var propertyConsequences: [String] {
        guard collection.lowercased() == "users" || collection.lowercased() == "me", isTopLevel else { return [] }
        var texts: [String] = []
        if after?["accountEnabled"] == false {
            texts.append("The user can't sign in any more; sessions end within the hour.")
        }
        if after?["userPrincipalName"] != nil { texts.append("The user signs in with another name from then on.") }
        if after?["usageLocation"] != nil { texts.append("The location decides which services licences may give.") }
        if !secretKeys.isEmpty { texts.append("The user is signed out where the password before was used.") }
        return texts
    }

    private var flowConsequences: [String] {
        after?["state"] == "Stopped" && before?["state"] != "Stopped"
            ? ["What would start it meanwhile is missed, or comes when it is started again."] : []
    }

    private var cmdletConsequences: [String] {
        var texts: [String] = []
        let new = after?.object ?? [:]
        func isSet(_ key: String) -> Bool { new[key].map { !CmdletValue.isEmpty($0) } ?? false }
        switch cmdlet?.noun {
        case "Mailbox":
            if isSet("ForwardingSmtpAddress") || isSet("ForwardingAddress") {
                texts.append("Mail that comes in is forwarded from then on.")
            }
            if new["RecipientTypeDetails"] == "SharedMailbox" {
                texts.append("A shared mailbox needs no licence up to 50 GB; its user can still sign in.")
            }
            if new["LitigationHoldEnabled"] == false {
                texts.append("What only the hold has kept is deleted for good.")
            }
        case "InboxRule", "TransportRule":
            if ["ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo"]
                .contains(where: isSet)
            {
                texts.append("Mail is forwarded from then on; what is forwarded stays so.")
            }
            if new["DeleteMessage"] == true {
                texts.append("Mail that it meets is deleted; an undo does not bring it back.")
            }
        case "DistributionGroup" where kind == .deletion:
            texts.append("Mail to the group comes back to its sender; permissions of the group end.")
        default: break
        }
        return texts
    }
}
