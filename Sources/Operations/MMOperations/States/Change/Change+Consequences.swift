import MMCore

extension Change {
    /// The effects of the change beyond what it writes, as Microsoft documents them.
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
        case .reference, .link, .unlink, .creation, .restoration, .file, .content, .action, .deletion: return []
        }
    }

    private var deletionConsequences: [String] {
        switch collection.lowercased() {
        case "users", "me":
            return [
                "The user can no longer sign in, and the licences become available.",
                "The user can be restored for 30 days. After that, mailbox and OneDrive are deleted.",
            ]
        case "groups":
            guard let types = before?["groupTypes"]?.array else {
                return ["It is unknown whether it can be restored: only Microsoft 365 groups can."]
            }
            guard types.contains("Unified") else {
                return memberConsequences + [
                    "A security or distribution group can't be restored: its members and permissions are lost."
                ]
            }
            let team = before?["resourceProvisioningOptions"]?.array?.contains("Team") ?? false
            return memberConsequences + [
                "\(team ? "Its team, site" : "Its site"), mailbox and plans are deleted with it.",
                "It can be restored with them for 30 days.",
            ]
        case "applications": return ["Nobody can sign in to the app any longer. It can be restored for 30 days."]
        case "serviceprincipals":
            return ["The app loses its permissions in this tenant. The service principal can be restored for 30 days."]
        case "devices": return ["The device loses its registration; its BitLocker keys are deleted with it."]
        default: return []
        }
    }

    private var memberConsequences: [String] {
        guard let count = before?["members"]?["count"]?.int else { return ["The number of its members is unknown."] }
        guard count > 0 else { return ["It has no members."] }
        let names = before?["members"]?["first"]?.array?.compactMap(\.string) ?? []
        let more = count > names.count ? " and \(count - names.count) more" : ""
        return [
            "\(count.counted("member loses", "members lose")) the group's access: "
                + "\(names.joined(separator: ", "))\(more)."
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
                "\(names) includes Exchange Online: unless another licence does too, the mailbox is deleted 30 days after the removal."
            )
        }
        if !unknown.isEmpty {
            texts.append("It is unknown whether \(unknown.joined(separator: ", ")) includes a mailbox.")
        }
        return texts
    }

    private var propertyConsequences: [String] {
        guard collection.lowercased() == "users" || collection.lowercased() == "me", isTopLevel else { return [] }
        var texts: [String] = []
        if after?["accountEnabled"] == false {
            texts.append("The user can no longer sign in, and sessions end within an hour.")
        }
        if after?["userPrincipalName"] != nil { texts.append("The user must sign in with the new name.") }
        if after?["usageLocation"] != nil {
            texts.append("The location determines which services the licences include.")
        }
        if !secretKeys.isEmpty { texts.append("The user is signed out wherever the old password was used.") }
        return texts
    }

    private var flowConsequences: [String] {
        after?["state"] == "Stopped" && before?["state"] != "Stopped"
            ? ["Triggers are missed, or run later when the flow is started again."] : []
    }

    private var cmdletConsequences: [String] {
        var texts: [String] = []
        let new = after?.object ?? [:]
        func isSet(_ key: String) -> Bool { new[key].map { !CmdletValue.isEmpty($0) } ?? false }
        switch cmdlet?.noun {
        case "Mailbox":
            if isSet("ForwardingSmtpAddress") || isSet("ForwardingAddress") {
                texts.append("Incoming mail will be forwarded.")
            }
            if new["RecipientTypeDetails"] == "SharedMailbox" {
                texts.append("A shared mailbox needs no licence up to 50 GB; its user can still sign in.")
            }
            if new["LitigationHoldEnabled"] == false {
                texts.append("Items that only the hold has kept are deleted permanently.")
            }
        case "InboxRule", "TransportRule":
            if ["ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo"]
                .contains(where: isSet)
            {
                texts.append("Mail will be forwarded. Messages that were already forwarded can't be recalled.")
            }
            if new["DeleteMessage"] == true {
                texts.append("Matching mail is deleted, and an undo does not restore it.")
            }
        case "DistributionGroup" where kind == .deletion:
            texts.append("Mail to the group is returned to the sender, and the group's permissions end.")
        default: break
        }
        return texts
    }
}
