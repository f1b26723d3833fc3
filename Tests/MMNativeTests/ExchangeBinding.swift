import MMCore
import Testing

@testable import MMNative

@Suite("Binding of Exchange cmdlets", .timeLimit(.minutes(5)))
struct ExchangeBinding {
    @Test("every recorded line gives its request or its fault")
    func recorded() throws {
        let lines = try #require(NativeFixtures.lines("eval/exchange-bind-cases.jsonl"))
        #expect(lines.count > 100)
        for line in lines {
            let recorded = try JSONParser.parse(line)
            let label = "\(recorded["id"]?.string ?? "") \(recorded["line"]?.string ?? "")"
            let written = try #require(recorded["line"]?.string)
            let name = try #require(recorded["service"]?.string)
            let service = try #require(ExchangeTable.Service(rawValue: name))
            let call = try #require(CmdletCall(line: written))
            switch Self.outcome(call, service) {
            case .failure(let fault): #expect(recorded["error"]?.string == fault.id, "\(label): \(fault.message)")
            case .success(let bound): Self.check(bound, recorded, label)
            }
        }
    }

    @Test("a parameter that a page wrongly says is required can be left out")
    func optional() throws {
        let call = try #require(CmdletCall(line: "Set-OrganizationConfig -RejectDirectSend $true"))
        guard case .success = Self.outcome(call, .exo) else {
            Issue.record("it was not bound")
            return
        }
    }

    @Test("a splatted parameter gives way to one that is written by an alias", arguments: [1, 0])
    func splatted(count: Int) throws {
        var call = CmdletCall(
            name: "Get-Mailbox",
            arguments: [
                .parameter("ea", .string("Stop"), text: nil), .parameter("ErrorAction", .string("Ignore"), text: nil),
            ])
        call.splatted = count
        switch Self.outcome(call, .exo) {
        case .success(let bound): #expect(count == 1 && bound.errorAction == "stop")
        case .failure(let fault): #expect(count == 0 && fault.id == "ParameterAlreadyBound")
        }
    }

    @Test("the handling of errors may be a number", arguments: ["Get-Mailbox", "Get-ComplianceSearch"])
    func numberedAction(cmdlet: String) throws {
        let call = try #require(CmdletCall(line: "\(cmdlet) -ErrorAction 0"))
        let outcome = Self.outcome(call, cmdlet == "Get-Mailbox" ? .exo : .scc)
        #expect(try outcome.get().errorAction == "silentlycontinue")
    }

    @Test(
        "what can't be bound has PowerShell's own error, which a script may read",
        arguments: [
            (
                "Get-Mailbox -Identity", "MissingArgument",
                "Missing an argument for parameter 'Identity'. Specify a parameter of type 'System.Object' and try again."
            ),
            (
                "Set-Mailbox x -DisplayName", "MissingArgument",
                "Missing an argument for parameter 'DisplayName'. Specify a parameter of type 'System.String' and try again."
            ),
            (
                "Get-Mailbox a b", "PositionalParameterNotFound",
                "A positional parameter cannot be found that accepts argument 'b'."
            ),
            (
                "Get-Mailbox -R x", "AmbiguousParameter",
                "Parameter cannot be processed because the parameter name 'R' is ambiguous. Possible matches include: "
                    + "-RecipientTypeDetails -ResultSize."
            ),
            (
                "Add-DistributionGroupMember x -Member $null", "ParameterArgumentValidationErrorNullNotAllowed",
                "Cannot bind argument to parameter 'Member' because it is null."
            ),
            (
                "Set-Mailbox -Identity '' -HiddenFromAddressListsEnabled $true",
                "ParameterArgumentValidationErrorEmptyStringNotAllowed",
                "Cannot bind argument to parameter 'Identity' because it is an empty string."
            ),
        ])
    func readable(line: String, id: String, message: String) throws {
        let call = try #require(CmdletCall(line: line))
        guard case .failure(let fault) = Self.outcome(call, .exo) else {
            Issue.record("\(line) was bound")
            return
        }
        #expect((fault.id, fault.message, fault.isReadable) == (id, message, true))
    }

    @Test("a value that only a change needs may be cleared", arguments: ["ForwardingAddress", "CustomAttribute1"])
    func cleared(parameter: String) throws {
        let call = try #require(CmdletCall(line: "Set-Mailbox -Identity x -\(parameter) $null"))
        #expect(try Self.outcome(call, .exo).get().parameters[parameter] == .null)
    }

    private static func outcome(
        _ call: CmdletCall, _ service: ExchangeTable.Service
    ) -> Result<ExchangeCall, BindingFault> {
        do throws(BindingFault) {
            return .success(try ExchangeBinder(service: service).bind(call))
        } catch {
            return .failure(error)
        }
    }

    private static func check(_ bound: ExchangeCall, _ recorded: JSONValue, _ label: String) {
        #expect(recorded["error"] == nil, "\(label) was bound")
        let expected = recorded["body"]?["CmdletInput"]
        #expect(expected?["CmdletName"]?.string == bound.cmdlet, "\(label)")
        var wanted = expected?["Parameters"]?.object ?? [:]
        for (name, others) in recorded["alternatives"]?.object ?? [:] {
            if let given = bound.parameters[name], others.array?.contains(given) == true { wanted[name] = given }
        }
        let same = NativeFixtures.same(.object(bound.parameters), .object(wanted))
        #expect(same, "\(label): \(JSONValue.object(bound.parameters)) for \(JSONValue.object(wanted))")
        #expect(bound.pageSize == recorded["page"]?.int, "\(label)")
        #expect(bound.limit == recorded["limit"]?.int, "\(label)")
        for (name, value) in recorded["headers"]?.object ?? [:] {
            #expect(bound.headers[name] == value.string, "\(label)")
        }
    }

    @Test("an unknown cmdlet is answered with the nearest names")
    func unknown() throws {
        let call = try #require(CmdletCall(line: "Get-Mailbx"))
        guard case .failure(let fault) = Self.outcome(call, .exo) else {
            Issue.record("Get-Mailbx was bound")
            return
        }
        #expect(fault.message.contains("Get-Mailbox"))
    }
}
