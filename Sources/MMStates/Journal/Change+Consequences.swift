package import MMCore

extension Change {
    /// What follows from the change beyond what it writes, as Microsoft documents it.
    package var consequences: [String] {
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
                return ["A security or distribution group can't be restored: its members and permissions are gone."]
            }
            let team = before?["resourceProvisioningOptions"]?.array?.contains("Team") ?? false
            return [
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
}
