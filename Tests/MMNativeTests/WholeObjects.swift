import MMNative
import Testing

@Suite("Objects of a class of which a service returned a part")
struct WholeObjects {
    private func texts(_ script: String, objects: [String: String] = [:], mails: Bool = false) async throws
        -> [String]
    {
        var pairs: [(String, PSValue)] = [("DisplayName", .string("Ann")), ("Id", .string("1")), ("Newer", .int(7))]
        if mails { pairs.append(("Mails", .array([.string("a"), .string("b")]))) }
        var user = try #require(PSObject(pairs))
        user.declared = DeclaredProperties(
            ["AboutMe", "Department", "DisplayName", "Id"] + objects.keys.sorted() + (mails ? ["Mails"] : []),
            objects: objects, texts: mails ? ["Mails"] : [])
        user.model = "Models.User"
        var session = NativeSession()
        let engine = NativeEngine(host: NativeHost(), arguments: ["u": .object(user)], isPatient: true)
        guard case .completed(let result) = await engine.run("param($u) " + script, in: &session) else {
            Issue.record("\(script) did not run")
            return []
        }
        #expect(result.errors.isEmpty && result.failure == nil, "\(script): \(result.errors)")
        return result.objects.map(\.text)
    }

    @Test("stay what they are in a later script that changes something, and as copies")
    func later() async throws {
        var user = try #require(PSObject([("DisplayName", .string("Ann")), ("Id", .string("1"))]))
        user.declared = DeclaredProperties(["AboutMe", "DisplayName", "Id"], objects: [:], texts: [])
        user.model = "Models.User"
        var session = NativeSession()
        let first = NativeEngine(host: NativeHost(), arguments: ["u": .object(user)], isPatient: true)
        _ = await first.run("param($u) $kept = $u; $copy = $u.PSObject.Copy()", in: &session)
        let script = "$h = @{}; $h.a = 1; $kept, $copy | % { \"$_\"; ($_ | Select-Object *).PSObject.Properties.Name }"
        let outcome = await NativeEngine(host: NativeHost(), isPatient: true).run(script, in: &session)
        guard case .completed(let result) = outcome else {
            Issue.record("it did not run: \(outcome)")
            return
        }
        let told = ["Models.User", "AboutMe", "DisplayName", "Id"]
        #expect(result.objects.map(\.text) == told + told)
    }

    @Test(
        "list all properties of the class where properties are listed",
        arguments: [
            (
                "$u | ConvertTo-Csv",
                ["\"AboutMe\",\"Department\",\"DisplayName\",\"Id\",\"Newer\"", ",,\"Ann\",\"1\",\"7\""]
            ),
            ("($u | Select-Object *).PSObject.Properties.Name -join ','", ["AboutMe,Department,DisplayName,Id,Newer"]),
            ("$u.PSObject.Properties.Name.Count", ["5"]),
            ("$u.PSObject.Properties['department'].Name", ["Department"]),
            ("($u | Get-Member -MemberType Properties).Name -join ','", ["AboutMe,Department,DisplayName,Id,Newer"]),
            (
                "$u | ConvertTo-Json -Compress",
                [#"{"AboutMe":null,"Department":null,"DisplayName":"Ann","Id":"1","Newer":7}"#]
            ),
            (
                "($u | Format-List | Out-String).Trim() -replace '\\s+', ' '",
                [
                    "AboutMe : Department : DisplayName : Ann Id : 1 Newer : 7"
                ]
            ),
            ("($u | Format-List *me | Out-String).Trim() -replace '\\s+', ' '", ["AboutMe : DisplayName : Ann"]),
            ("($u | Select-Object department).PSObject.Properties.Name", ["Department"]),
            (
                "($u | ConvertTo-Html -Fragment)[2] -replace '<[^>]*>', '.'",
                ["..AboutMe..Department..DisplayName..Id..Newer.."]
            ),
        ] as [(String, [String])])
    func listed(script: String, expected: [String]) async throws {
        #expect(try await texts(script) == expected)
    }

    @Test(
        "are the name of their class as text, and so are the objects in their properties, also those that weren't returned",
        arguments: [
            ("\"$u\"", ["Models.User"]), ("$u.GetType().Name", ["User"]), ("$u.Manager.GetType().Name", ["Person"]),
            ("\"$($u.Manager)\"", ["Models.Person"]), ("@($u, $u) -join ','", ["Models.User,Models.User"]),
            ("\"$([pscustomobject]@{ a = $u })\"", ["@{a=Models.User}"]),
            ("($u | Select-Object Id, manager | ConvertTo-Csv)", ["\"Id\",\"Manager\"", "\"1\",\"Models.Person\""]),
            ("($u | Select-Object Id, Manager | ConvertTo-Json -Compress)", [#"{"Id":"1","Manager":null}"#]),
            ("($u | Format-List Manager | Out-String).Trim()", ["Manager : Models.Person"]),
            ("($u | Where-Object { $_.Manager -like '*Person' }).Id", ["1"]),
            ("\"$($u | Select-Object Id)\"", ["@{Id=1}"]),
        ] as [(String, [String])])
    func models(script: String, expected: [String]) async throws {
        #expect(try await texts(script, objects: ["Manager": "Models.Person"]) == expected)
    }

    @Test("take a value for a property that wasn't returned")
    func set() async throws {
        #expect(
            try await texts("$u.department = 'IT'; $u.Department; ($u | ConvertTo-Csv)[1]") == [
                "IT", ",\"IT\",\"Ann\",\"1\",\"7\"",
            ])
    }

    @Test(
        "show lists of texts under the type that their class declares, until they are replaced",
        arguments: [
            ("$u | ConvertTo-Csv", "System.String[]"),
            ("$u | Select-Object Mails, Id | ConvertTo-Csv", "System.String[]"),
            ("$u | Select-Object mails, @{ n = 'X'; e = { 1 } } | ConvertTo-Csv", "System.String[]"),
            ("$u | Select-Object * | ConvertTo-Csv", "System.String[]"),
            ("\"$($u | Select-Object Id, Mails)\"", "System.String[]"),
            ("$u | Select-Object @{ n = 'Mails'; e = { @(1, 2) } } | ConvertTo-Csv", "\"1 2\""),
            ("$s = $u | Select-Object Id, Mails; $s.Mails = @(1, 2); $s | ConvertTo-Csv", "System.Object[]"),
            ("[pscustomobject]@{ a = @(1, 2) } | ConvertTo-Csv", "System.Object[]"),
        ] as [(String, String)])
    func lists(script: String, type: String) async throws {
        let shown = try await texts(script, mails: true).joined(separator: " ")
        #expect(
            shown.contains(type) && !shown.contains(type == "System.String[]" ? "Object[]" : "String[]"), "\(shown)")
    }
}
