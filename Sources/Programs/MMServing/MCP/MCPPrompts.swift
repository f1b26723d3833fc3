import MMCore
import MMMCP
import MMOperations

/// The common tasks of an administrator, as prompts that a person picks from a menu.
///
/// Each prompt says which calls to make, in which order, and what to report. None of them changes anything before the
/// person has seen what would be done.
struct MCPPrompts: Sendable {
    private let services: OperationServices
    private let options: MCPFaceOptions
    /// The operations that the server offers.
    let tools: Set<String>

    /// Creates the prompts of a server.
    /// - Parameters:
    ///   - services: the user's files, from which names are proposed.
    ///   - options: the server's options, with the prefix of its tools.
    ///   - tools: the operations that the server offers; prompts that need others are left out.
    init(services: OperationServices, options: MCPFaceOptions, tools: Set<String>) {
        self.services = services
        self.options = options
        self.tools = tools
    }

    /// The prompts that can be followed with the tools offered.
    var all: [Prompt] {
        guard tools.contains(OperationDeclaration.graphRequest.name) else { return [] }
        let always = [investigateSignIn] + (options.readOnly ? [] : [offboardUser]) + [forwardingRules, tenantHealth]
        return runsCommands ? [always[0], mailboxPermissions] + always.dropFirst() : always
    }

    private var graph: String { options.tool(.graphRequest) }
    private var run: String { options.tool(.run) }
    private var runsCommands: Bool { tools.contains(OperationDeclaration.run.name) }

    private var investigateSignIn: Prompt {
        prompt(
            "investigate_sign_in", "Investigate a sign-in", "Find out why a sign-in failed or looks suspicious.",
            [user("User principal name of the account."), blank("days", "Number of days to look back (default 7).")]
        ) { blanks in
            let who = quoted(blanks["user"])
            return """
                Investigate the recent sign-ins of \(blanks["user"] ?? "") on the connection \(blanks["connection"] ?? ""), \
                \(blanks["days"] ?? "7") days back.
                1. \(graph): /auditLogs/signIns, $filter=userPrincipalName eq '\(who)' and createdDateTime ge the first day, \
                $select=createdDateTime,appDisplayName,ipAddress,location,clientAppUsed,deviceDetail,status,\
                conditionalAccessStatus,appliedConditionalAccessPolicies,riskLevelDuringSignIn, top 50.
                2. \(graph): /users/\(pathPart(blanks["user"]))?$select=id,accountEnabled,createdDateTime,\
                lastPasswordChangeDateTime,signInSessionsValidFromDateTime
                3. \(graph): /users/\(pathPart(blanks["user"]))/authentication/methods
                4. \(graph): /identityProtection/riskyUsers, $filter=userPrincipalName eq '\(who)'. A tenant without the \
                licence answers 403: say so and continue.
                Report: a timeline of failures with error code and its plain meaning, which policy blocked what, places and \
                devices that don't fit the others, methods that were added lately, and how sure you are. Change nothing. \
                Propose what to do next and wait for the person.
                """
        }
    }

    private var mailboxPermissions: Prompt {
        prompt(
            "mailbox_permissions_report", "Mailbox permissions report",
            "Report who has full access, send-as and send-on-behalf rights on mailboxes.",
            [
                blank("mailbox", "One mailbox (default: all shared mailboxes)."),
                PromptArgument(
                    name: "module", title: "Module", description: "PowerShell module (default exo).",
                    complete: { (typed, _, _) in Completion.prefixed(typed, of: RunModule.names) }),
            ]
        ) { blanks in
            let module = blanks["module"] ?? "exo"
            let scope = blanks["mailbox"].map { "the mailbox \($0)" } ?? "every shared mailbox"
            let identity = blanks["mailbox"].map { "-Identity '\(quoted($0))'" } ?? "-Identity <each one>"
            let list =
                blanks["mailbox"] == nil
                ? "Get-EXOMailbox -RecipientTypeDetails SharedMailbox -ResultSize Unlimited -Properties "
                    + "GrantSendOnBehalfTo | Select-Object DisplayName,PrimarySmtpAddress,GrantSendOnBehalfTo"
                : "Get-EXOMailbox \(identity) -Properties GrantSendOnBehalfTo | "
                    + "Select-Object DisplayName,PrimarySmtpAddress,GrantSendOnBehalfTo"
            return """
                Report who has rights on \(scope) of the connection \(blanks["connection"] ?? ""), with \(run) in the module \
                \(module).
                1. \(list)
                2. Get-EXOMailboxPermission \(identity) | Where-Object { $_.User -notlike 'NT AUTHORITY\\*' -and -not $_.IsInherited }
                3. Get-EXORecipientPermission \(identity) | Where-Object { $_.Trustee -notlike 'NT AUTHORITY\\*' }
                4. Get-EXOMailboxFolderPermission of Calendar and Inbox, where step 2 leaves doubt.
                Report a table: mailbox, who, right (FullAccess, SendAs, SendOnBehalf), direct or by a group. Mark rights of \
                disabled accounts, of guests, and of accounts outside the tenant. Change nothing.
                """
        }
    }

    private var offboardUser: Prompt {
        prompt(
            "offboard_user", "Offboard a user", "Offboard a user step by step.",
            [
                user("Account of the person who leaves."),
                blank("manager", "Person who gets access to mail and files."),
            ]
        ) { blanks in
            let path = "/users/\(pathPart(blanks["user"]))"
            let manager = blanks["manager"].map { " The heir of mail and files is \($0)." } ?? ""
            return """
                Offboard \(blanks["user"] ?? "") on the connection \(blanks["connection"] ?? "").\(manager)
                First only read, with \(graph): \(path)?$select=id,displayName,accountEnabled,assignedLicenses ; \
                \(path)/memberOf ; \(path)/ownedObjects ; \(path)/directReports ; \(path)/manager
                Then show the person this plan, filled in with what you found, and wait for a clear yes:
                1. Block sign-in: PATCH \(path) {"accountEnabled": false}
                2. End open sessions: POST \(path)/revokeSignInSessions
                3. Groups and roles: which memberships to remove, which groups would be left without an owner.
                4. Mailbox: convert to shared, automatic reply, access for the heir, forwarding (none unless asked for).
                5. OneDrive: access for the heir, how long it is kept.
                6. Licences: which are freed, and only after the mailbox is shared.
                Do one step at a time. Where an answer says that a person must confirm, show them the preview and the command \
                and wait. At the end report what was done, what was not, and how each step is undone.
                """
        }
    }

    private var forwardingRules: Prompt {
        prompt(
            "find_forwarding_rules", "Find forwarding rules",
            "Find automatic forwarding of mail to other mailboxes or outside the tenant.",
            [blank("user", "One account (default: all accounts).")]
        ) { blanks in
            let path = blanks["user"].map { "/users/\(pathPart($0))" } ?? "/users/<id of each>"
            let whole =
                runsCommands
                ? "\nOn the whole tenant, with \(run) in the module exo: Get-EXOMailbox -ResultSize Unlimited -Properties "
                    + "ForwardingAddress,ForwardingSmtpAddress,DeliverToMailboxAndForward | Where-Object { $_.ForwardingAddress "
                    + "-or $_.ForwardingSmtpAddress } ; Get-TransportRule ; Get-RemoteDomain ; "
                    + "Get-HostedOutboundSpamFilterPolicy | Select-Object Name,AutoForwardingMode" : ""
            return """
                Find everything that forwards or redirects mail on the connection \(blanks["connection"] ?? "").
                1. \(graph): \(path)/mailFolders/inbox/messageRules?$select=displayName,isEnabled,conditions,actions . Look at \
                actions.forwardTo, forwardAsAttachmentTo, redirectTo, and at rules that delete or hide what they forward.
                2. \(graph): \(path)/mailboxSettings , for automatic replies.\(blanks["user"] == nil ? " The accounts: /users, $select=id,mail,userType,accountEnabled, all." : "")\(whole)
                Report a table: mailbox, rule, target, inside or outside of the tenant, enabled, and since when if it can be \
                told. Put rules first that send outside, delete, or match words such as invoice or password. Change nothing; \
                for each finding propose how to close it.
                """
        }
    }

    private var tenantHealth: Prompt {
        prompt(
            "tenant_health", "Tenant health",
            "Report the health of a tenant: issues, licences, expiring secrets, policies, roles.", []
        ) { blanks in
            """
            Report the health of the tenant behind the connection \(blanks["connection"] ?? ""), with \(graph). Where an answer \
            is 403, say which permission or licence is missing and continue.
            1. /admin/serviceAnnouncement/issues?$filter=isResolved eq false&$select=title,service,status,startDateTime
            2. /subscribedSkus?$select=skuPartNumber,consumedUnits,prepaidUnits : licences that run out.
            3. /applications?$select=displayName,appId,passwordCredentials,keyCredentials (all): secrets and certificates that \
            have ended or end within 30 days.
            4. /identity/conditionalAccess/policies?$select=displayName,state
            5. /directoryRoles?$expand=members : more than four Global Administrators, guests or disabled accounts with roles.
            6. /identityProtection/riskyUsers?$filter=riskState eq 'atRisk'&$top=20
            7. /organization?$select=displayName,onPremisesLastSyncDateTime,onPremisesSyncEnabled
            Report at most one page: red (act today), yellow (act this week), green (one line). Every point with its number and \
            where it comes from. Change nothing.
            """
        }
    }

    // MARK: parts

    /// Creates a prompt whose first argument is the connection.
    func prompt(
        _ name: String, _ title: String, _ description: String, _ arguments: [PromptArgument],
        _ text: @escaping @Sendable ([String: String]) -> String
    ) -> Prompt {
        let services = services
        let serverName = options.serverName
        let connection = PromptArgument(
            name: "connection", title: "Connection", description: "Name of the connection.", isRequired: true,
            complete: { (typed, _, _) in
                Completion.prefixed(typed, of: try services.registry.snapshot().visible(to: serverName).map(\.name))
            })
        return Prompt(name: name, title: title, description: description, arguments: [connection] + arguments) {
            (given, _) in
            var blanks: [String: String] = [:]
            for (key, value) in given {
                let line = value.split(whereSeparator: \.isNewline).joined(separator: " ")
                guard line.utf8.count <= 300 else {
                    throw MMError(
                        .invalidInput, "`\(key)` of \(name) is longer than 300 bytes.", hint: "Use a single name.")
                }
                if !line.isEmpty { blanks[key] = line }
            }
            // An unknown connection is reported now rather than after the first call.
            _ = try services.registry.snapshot().connection(named: blanks["connection"] ?? "", for: serverName)
            return .text(text(blanks), description: description)
        }
    }

    private func user(_ description: String) -> PromptArgument {
        PromptArgument(name: "user", title: "User", description: description, isRequired: true)
    }

    private func blank(_ name: String, _ description: String) -> PromptArgument {
        PromptArgument(name: name, title: name.prefix(1).uppercased() + name.dropFirst(), description: description)
    }

    /// Escapes a text for single quotes in OData and in PowerShell, where a quote is written twice.
    private func quoted(_ text: String?) -> String {
        (text ?? "").split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''")
    }

    /// Returns a name as one segment of a path.
    private func pathPart(_ text: String?) -> String {
        PercentCoding.encode(text ?? "", isPlain: PercentCoding.isSegmentByte)
    }
}
