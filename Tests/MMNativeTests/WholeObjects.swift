import MMNative
import Testing

@Suite("Objects of a class of which a service returned a part")
struct WholeObjects {
    private func texts(_ script: String, objects: [String: String] = [:]) async throws -> [String] {
        let pairs: [(String, PSValue)] = [("DisplayName", .string("Ann")), ("Id", .string("1")), ("Newer", .int(7))]
        var user = try #require(PSObject(pairs))
        user.declared = DeclaredProperties(
            ["AboutMe", "Department", "DisplayName", "Id"] + objects.keys.sorted(), objects: objects)
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
}
