import MMCore
import MMPowerShell

/// A cmdlet of a module that makes changes at its service: its requests, and its behaviour around them.
struct StandInWriting: Sendable {
    /// One request of a cmdlet.
    struct Request: Sendable {
        let method: String
        let path: String
        var body: JSONObject?
        /// Whether the cmdlet only continues if the request finds something.
        var isCheck = false
    }

    /// The cmdlet's name in its module's spelling.
    let name: String
    /// The module whose account it uses.
    let module: String
    /// The companion module that contains it, which loads with it.
    var companion: String?
    /// The mandatory and the optional parameters, in the order of its positions.
    let needs: [String]
    var takes: [String] = []
    /// Whether it shows a prompt of its own unless `-Force` is given, whatever `-Confirm` says.
    var asks = false
    /// Whether it runs as a job with `-AsJob`.
    var isLong = false
    /// The name of its target, for `-WhatIf` and jobs.
    let target: @Sendable (_ given: JSONObject) -> String
    /// The function that returns its requests, for lower-case parameters and the current subscription.
    let requests: @Sendable (_ given: JSONObject, _ subscription: String) -> [Request]
    /// The function that creates its output from the last answer; nil for no output.
    var output: @Sendable (JSONValue) -> JSONObject? = { _ in nil }

    /// The cmdlets, each with its observed requests.
    static let all = [newTeamChannel, removeAzResourceGroup]

    /// `New-TeamChannel`, which always sends the kind of the channel, in a spelling of its own.
    private static let newTeamChannel = StandInWriting(
        name: "New-TeamChannel", module: "teams", needs: ["GroupId", "DisplayName"],
        takes: ["Description", "MembershipType", "Owner"], target: { $0["displayname"]?.string ?? "" },
        requests: { given, _ in
            var body: JSONObject = [
                "displayName": given["displayname"] ?? .null,
                "membershipType": given["membershiptype"] ?? "Standard",
            ]
            body["description"] = given["description"]
            return [Request(method: "POST", path: "/beta/teams/\(segment(given["groupid"]))/channels", body: body)]
        },
        output: { answer in
            [
                "Id": answer["id"] ?? .null, "DisplayName": answer["displayName"] ?? .null,
                "Description": answer["description"] ?? .null, "MembershipType": answer["membershipType"] ?? .null,
            ]
        })

    /// `Remove-AzResourceGroup`, which checks that the group exists, deletes it, and polls for the end of the work.
    private static let removeAzResourceGroup = StandInWriting(
        name: "Remove-AzResourceGroup", module: "azure", companion: "Az.Resources", needs: ["Name"], asks: true,
        isLong: true, target: { "resource group '\($0["name"]?.string ?? "")'" },
        requests: { given, subscription in
            let path = "/subscriptions/\(subscription)/resourcegroups/\(segment(given["name"]))?api-version=2024-11-01"
            return [
                Request(method: "HEAD", path: path, isCheck: true), Request(method: "DELETE", path: path),
                Request(
                    method: "GET",
                    path: "/subscriptions/\(subscription)/operationresults/SANDBOX?api-version=2024-11-01"),
            ]
        })

    private static func segment(_ value: JSONValue?) -> String {
        PercentCoding.encode(value?.string ?? "", isPlain: PercentCoding.isSegmentByte)
    }
}

extension StandInWriting {
    /// The commands by lower-case name.
    static let commands: [String: StandInModules.Run] = {
        var commands: [String: StandInModules.Run] = [:]
        for cmdlet in all { commands[cmdlet.name.lowercased()] = { cmdlet.run($0, $1) } }
        return commands
    }()

    /// The delay before a job starts: it sends its request long after the command has ended.
    private static let jobDelay = Duration.milliseconds(500)

    private static let switches: Set<String> = ["whatif", "confirm", "force", "asjob"]

    private func run(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        do throws(StandInRefusal) {
            try work(call, host)
            return nil
        } catch { return error.end }
    }

    private func work(_ call: StandInCall, _ host: StandInHost) throws(StandInRefusal) {
        let given = try bound(call)
        if call.isSet("whatif") {
            let text = "What if: Performing the operation \"\(name)\" on target \"\(target(given))\"."
            return host.emit(PowerShellRecord(.information, ["message": .string(text), "tags": ["PSHOST"]]))
        }
        guard let account = host.modules.signedIn[module] else {
            let connect = StandInModule.named(module)?.connect.cmdlet ?? "the module's connect cmdlet"
            throw StandInRefusal("\(name) needs a sign-in first: run \(connect).", id: "NotConnected")
        }
        guard !asks || call.isSet("force") else {
            throw StandInRefusal(
                "PowerShell is in NonInteractive mode. Read and Prompt functionality is not available.",
                id: "InvalidOperation,\(name)")
        }
        guard let tenant = host.tenant, account.has(.main) else {
            throw StandInRefusal("\(name) needs the sandbox tenant.", id: "NotInSandbox")
        }
        let subscription = host.modules.subscription.current?["Id"]?.string
        guard subscription != nil || module != "azure" else {
            throw StandInRefusal(StandInSubscription.absence, id: "NoSubscription,\(name)")
        }
        let requests = requests(given, subscription ?? "")
        if isLong, call.isSet("asjob") {
            let job = host.jobs.start("Long Running Operation for '\(name)' on \(target(given))") {
                () async throws(MMError) in
                try? await Task.sleep(for: Self.jobDelay)
                _ = try await Self.send(requests, account, tenant)
            }
            return host.jobs.show(job, call, host)
        }
        let isHeedless = module == "azure" || module == "teams"
        let outcome = host.result(every: 5) {
            let work: @Sendable () async -> Result<JSONValue, MMError> = {
                await Result { () async throws(MMError) in try await Self.send(requests, account, tenant) }
            }
            // An unstructured task isn't cancelled by a stop.
            return isHeedless ? await Task(operation: work).value : await work()
        }
        switch outcome {
        case .success(let answer):
            guard let row = output(answer), !call.isSilent else { return }
            host.emit(PowerShellRecord(.output, .object(StandInColumn.chosen(of: row, by: call.next))))
        case .failure(let error) where error.code == .cancelled: throw StandInRefusal(end: CommandEnd(.stopped))
        case .failure(let error): throw StandInRefusal(error.message, id: "ServiceRefused")
        }
    }

    /// Returns the parameters by lower-case name.
    /// - Throws: PowerShell's own message for a call that doesn't bind.
    private func bound(_ call: StandInCall) throws(StandInRefusal) -> JSONObject {
        let known = (needs + takes).map { $0.lowercased() }
        var given = JSONObject()
        for (name, value) in call.named where !StandInParameterSet.common.union(Self.switches).contains(name) {
            guard known.contains(name) else {
                throw StandInRefusal(
                    "A parameter cannot be found that matches parameter name '\(name)'.",
                    id: "NamedParameterNotFound,\(self.name)")
            }
            given[name] = value
        }
        let free = known.filter { given[$0] == nil }
        guard call.values.count <= free.count else {
            throw StandInRefusal(
                "A positional parameter cannot be found that accepts argument '\(call.text(free.count) ?? "")'.",
                id: "PositionalParameterNotFound,\(name)")
        }
        for (name, value) in zip(free, call.values) { given[name] = value }
        if let lacking = needs.first(where: { given[$0.lowercased()] == nil }) {
            throw StandInRefusal(
                "Cannot process command because of one or more missing mandatory parameters: \(lacking).",
                id: "MissingMandatoryParameter,\(name)")
        }
        return given
    }

    /// Sends the requests one after the other.
    /// - Returns: the last answer.
    /// - Throws: the first refusal, in the words of the service or of a proxy that answered instead.
    private static func send(
        _ requests: [Request], _ account: StandInAccount, _ tenant: any StandInTenant
    ) async throws(MMError) -> JSONValue {
        var last = JSONValue.null
        for request in requests {
            last = try await account.sending { (token) async throws(MMError) in
                let answer = try await tenant.send(
                    request.method, request.path, body: request.body.map { JSONWriter.string(.object($0)) },
                    token: token)
                let json = (try? JSONParser.parse(Array(answer.text.utf8))) ?? .null
                guard answer.status >= 400 else { return json }
                let said = json["error"]?["message"]?.string
                throw MMError(
                    .remoteFailed,
                    said ?? (request.isCheck ? "It does not exist." : "The service answered \(answer.status)."))
            }
        }
        return last
    }
}

extension StandInCall {
    /// Returns whether a switch is given and isn't `$false`.
    func isSet(_ name: String) -> Bool { named[name].map { $0.bool != false } ?? false }
}
