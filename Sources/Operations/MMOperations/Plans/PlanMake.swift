import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// `plan`: records everything that calls would send, with the objects' states, so that a person can approve it and it
/// is applied later.
struct PlanMake: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "calls",
            "The calls to plan, each {\"tool\": \"graph_request\", \"arguments\": {…}}: graph_request, run, recipe, do, undo, drift, exec.",
            .at(0))
        private var written: [(tool: String, arguments: JSONObject)]
        @Argument("out", "Write the plan to this file.", .short("o"), .notForModels, .completes(.files))
        var out: String?
        @Argument("hours", "Hours until the plan expires (default 24).", in: 1...720) var hours: Int?
        @Argument("markdown", "Show the plan as Markdown, for a pull request.") var isMarkdown: Bool
        @Argument("anew", "Plan everything again, including what an unfinished plan of the same calls has applied.")
        var isAnew: Bool
        var files = CaseReportFiles()

        var calls: [Plan.Call] { written.map { Plan.Call(tool: $0.tool, arguments: $0.arguments) } }

        func check() throws(MMError) {
            guard !written.isEmpty else {
                throw MMError(
                    .invalidInput, "The calls to plan are missing.",
                    hint:
                        "Give `calls`, each {\"tool\": …, \"arguments\": {…}} (in a terminal: mm plan -o change.plan -- graph "
                        + "Contoso /users/ada@contoso.com -X PATCH -d @body.json).",
                    details: ["field": "calls"])
            }
        }
    }

    let declaration = OperationDeclaration(
        "plan", command: ["plan"], title: "Plan changes",
        summary:
            "Plan changes: record what calls would send, for one approval. Ends with 2 if there are changes.",
        description:
            "Plans calls instead of making them: only reads are sent. A person approves the plan once "
            + "(mm plan approve ID), then `apply` {\"plan\": ID} sends exactly that. Example: {\"calls\": [{\"tool\": "
            + "\"graph_request\", \"arguments\": {\"connection\": \"Contoso\", \"endpoint\": \"/users/ada@contoso.com\", "
            + "\"method\": \"PATCH\", \"body\": {\"department\": \"Finance\"}}}]}",
        effects: .init(readOnly: true, openWorld: true), home: .detachable,
        examples: [
            .init(
                "mm plan -o change.plan -- graph Contoso /users/ada@contoso.com -X PATCH -d '{\"department\": \"Finance\"}'",
                "plans a request; nothing is changed"),
            .init(
                "mm plan -o leaver.plan -- recipe leaver Contoso --user ada@contoso.com",
                "all changes of a recipe"),
            .init("mm plan -o back.plan -- undo --since 2h", "undoes the changes of the last two hours"),
            .init(
                "mm plan -o move.plan -- exec Contoso -- ./move.sh",
                "the changes that a program would make; only its reads are sent"),
        ]
    ).unlisted.answeringWithTwo

    func run(_ input: Input, in context: OperationContext, with services: PlanServices) async throws(MMError)
        -> OperationAnswer
    {
        let names = input.calls.compactMap { $0.arguments["connection"]?.string }
        return try await input.files.reporting("mm plan", on: names.first ?? "plan", in: context) {
            () async throws(MMError) in
            let (file, answer) = try await plan(input, in: context, with: services)
            return (answer, PlanText(file).report)
        }
    }

    private func plan(_ input: Input, in context: OperationContext, with services: PlanServices) async throws(MMError)
        -> (file: PlanFile, answer: OperationAnswer)
    {
        let shelf = PlanShelf(services.requests.guarding.paths)
        let calls = input.calls.map(services.plain)
        let earlier =
            input.isAnew ? nil : try shelf.unfinished(calls, for: context.call.caller.signedIn?.id)
        let draft = PlanDraft(services: services, context: context, after: earlier)
        let plan = try await draft.plan(
            calls, until: .now + (input.hours.map { .seconds($0 * 3600) } ?? Plan.usual))
        let file = PlanFile(plan)
        var name = plan.id
        if !plan.steps.isEmpty { try await shelf.keep(file) }
        if let out = input.out {
            guard context.call.caller.surface == .terminal else {
                throw MMError(
                    .forbidden, "Only a person at a terminal can use `out`.",
                    hint: "Leave it out: the plan's id is enough.")
            }
            name = context.call.path(out)
            try file.write(name)
        }
        context.record.note("plan", .string(file.digest))
        let unread = plan.connections.flatMap { connection in
            Change.unreadNote(
                plan.steps.lazy.filter { $0.connection == connection }.compactMap(\.change), of: connection)
        }
        let answer = PlanShow.answer(
            about: PlanText(file), asMarkdown: input.isMarkdown,
            notes: draft.notes + unread + Self.next(plan, name, context),
            exitStatus: plan.steps.isEmpty ? 0 : 2)
        return (file, answer)
    }

    /// Returns the next commands for the user.
    private static func next(_ plan: Plan, _ name: String, _ context: OperationContext) -> [String] {
        guard !plan.steps.isEmpty else {
            // A plan in words says so itself.
            let isTold = context.call.caller.surface == .terminal || plan.open != nil
            return isTold ? [] : ["The calls would change nothing: there is nothing to apply."]
        }
        switch context.call.caller.surface {
        case .terminal:
            let word = ShellWord.quoted(name)
            return ["mm " + (plan.asks ? "plan approve \(word), then mm " : "") + "apply \(word)"]
        case .mcp, .rest, .library:
            let call = "`mm apply \(plan.id)`"
            return [
                plan.asks
                    ? "A person approves it with `mm plan approve \(plan.id)`; then \(call) applies it."
                    : "It needs no approval: \(call) applies it."
            ]
        }
    }
}

/// The services that operations on plans use.
package struct PlanServices: Sendable {
    let requests: RequestServices
    /// Makes the calls that are planned.
    let local: LocalOperationService

    /// Returns the operation of a tool, if its changes can be planned.
    func operation(_ tool: String) -> AnyOperation? {
        local.catalogue.operation(ofTool: tool).flatMap { $0.declaration.isPlannable ? $0 : nil }
    }

    /// Returns the operation's own call for one in the form of a model's tool: `recipe` with `name` and `parameters`.
    func plain(_ call: Plan.Call) -> Plan.Call {
        guard let operation = operation(call.tool), operation.declaration.runsTools,
            let name = call.arguments["name"]?.string,
            let task = ReadyShelf.of(requests.guarding.paths).task(named: name),
            let plain = ReadyCall(of: task, call.arguments).call
        else { return call }
        return Plan.Call(tool: plain.operation.declaration.name, arguments: plain.arguments)
    }
}

extension OperationServices {
    /// The services for operations on plans.
    var planServices: PlanServices {
        PlanServices(requests: requestServices, local: LocalOperationService(services: self))
    }
}

/// A plan being made: each call is made with a recorder in place of the services' writes.
struct PlanDraft {
    let services: PlanServices
    let context: OperationContext
    private let recorder: PlanRecorder

    /// - Parameter earlier: the steps of the same calls that were carried out already.
    init(services: PlanServices, context: OperationContext, after earlier: PlanEarlier?) {
        self.services = services
        self.context = context
        recorder = PlanRecorder(after: earlier)
    }

    var notes: [String] { recorder.notes }

    /// - Throws: the error of a call; the guard's denial of one of the requests.
    func plan(_ calls: [Plan.Call], until: Timestamp) async throws(MMError) -> Plan {
        var waiting = calls[...]
        var number = 0
        while let call = waiting.popFirst(), recorder.open == nil {
            recorder.begin(call: min(number, calls.count - 1))
            do throws(MMError) {
                try await make(call)
            } catch {
                // What a call itself has made follow it isn't in the list.
                let isListed = calls.count > 1 && waiting.count + number + 1 == calls.count
                throw isListed ? error.about("Call \(number + 1) of \(calls.count)") : error
            }
            waiting = recorder.takeFollowing() + waiting
            number += 1
        }
        if let rival = recorder.rival {
            throw MMError(
                .conflict,
                "\(rival.step.line) was applied by \(rival.plan), and the same calls would now send a different request, because they "
                    + "generate a name, a password or a time. Nothing was planned.",
                hint: "To send it again, use mm plan --anew.", details: ["plan": .string(rival.plan)])
        }
        let steps = ordered(recorder.steps)
        var names: [String] = []
        for step in steps where !names.contains(step.connection) { names.append(step.connection) }
        var places: [Plan.Place] = []
        for name in names { places.append(try await place(name)) }
        return Plan(
            nonce: RandomBytes.text(bytes: 9),
            made: recorder.after == nil ? recorder.started : Timestamp(seconds: Timestamp.now.seconds),
            until: Timestamp(seconds: until.seconds), by: maker,
            calls: calls, places: places, steps: steps, open: recorder.open, after: recorder.after,
            started: recorder.after == nil ? nil : recorder.started)
    }

    private var maker: String {
        let caller = context.call.caller
        return caller.signedIn.map { $0.name ?? $0.id } ?? "\(ThisProcess.login) (\(caller.journalName))"
    }

    private func make(_ call: Plan.Call) async throws(MMError) {
        guard let operation = services.operation(call.tool) else {
            throw MMError(
                .invalidInput, "Calls of `\(call.tool.prefix(40))` can't be planned.",
                hint: "These can be planned: graph_request, run, recipe, do, undo, exec, and drift with repair.",
                details: ["field": "calls"])
        }
        var inner = context.part()
        inner.planning = recorder
        // Planning asks no confirmation; applying the plan does.
        if !inner.waitsForSignIn { inner.person = nil }
        do throws(MMError) {
            let answer = try await services.local.call(operation, call.arguments, in: inner)
            _ = try await answer.wholeValue()
            let errors = answer.errors + (answer.body.stream?.end().errors ?? [])
            if let error = errors.first {
                throw MMError(
                    .remoteFailed, "\(error.message) Nothing was planned.",
                    hint: "Correct the error, or leave this call out.")
            }
        } catch {
            guard recorder.open != nil, error.code == .cancelled else { throw error }
        }
    }

    /// Connections are planned concurrently; their steps are sorted by call and then by connection name.
    private func ordered(_ steps: [PlanStep]) -> [PlanStep] {
        steps.enumerated().sorted {
            ($0.element.call, $0.element.connection, $0.offset) < ($1.element.call, $1.element.connection, $1.offset)
        }.map(\.element)
    }

    private func place(_ name: String) async throws(MMError) -> Plan.Place {
        let connection = try services.requests.guarding.registry.connection(named: name, in: context)
        return try await PlanPlaces(services: services.requests, context: context).place(connection)
    }
}

/// Looks up the tenants and accounts that connections' names stand for.
struct PlanPlaces {
    let services: RequestServices
    let context: OperationContext

    func place(_ connection: Connection) async throws(MMError) -> Plan.Place {
        let tenant = await services.identity.tenantID(of: connection, until: context.deadline)
        return Plan.Place(connection: connection.name, tenant: tenant ?? "", identity: connection.identity)
    }

    /// Returns the connection that a plan names, if it still has the same tenant and account.
    /// - Throws: `conflict` where the tenant or account is another one now.
    func connection(_ place: Plan.Place) async throws(MMError) -> Connection {
        let registry = services.guarding.registry
        try await PartnerCustomers.reach(
            place.connection, for: context.call.caller.server, until: context.deadline, in: registry,
            as: services.identity)
        let connection = try registry.connection(named: place.connection, in: context)
        let now = try await self.place(connection)
        guard now.tenant == place.tenant, now.identity == place.identity else {
            throw MMError(
                .conflict, "\(place.connection) has another tenant or account than when the plan was made.",
                hint: "Nothing was sent. Make a new plan.", details: ["connection": .string(place.connection)])
        }
        return connection
    }
}
