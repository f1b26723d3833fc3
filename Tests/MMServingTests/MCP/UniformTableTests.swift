import MMCore
import Testing

@testable import MMServing

@Suite("Uniform rows as a table", .timeLimit(.minutes(5)))
struct UniformTableTests {
    private func table(_ json: String) throws -> String? {
        UniformTable(of: try JSONParser.parse(json), insteadOf: json.utf8.count)?.text
    }

    @Test("names stand once, values as they are, and what stood beside the rows above them")
    func odata() throws {
        let text = try table(
            """
            {"@odata.count":3,"value":[\
            {"displayName":"Ann, Lee","enabled":true,"logins":12,"mail":null},\
            {"displayName":"Bo \\"B\\"","enabled":false,"logins":0,"mail":"bo@contoso.com"},\
            {"displayName":"Cy","enabled":true,"logins":1.5,"mail":""}]}
            """)
        #expect(
            text == #"""
                @odata.count: 3
                displayName,enabled,logins,mail
                "Ann, Lee",true,12,
                "Bo ""B""",false,0,bo@contoso.com
                Cy,true,1.5,
                """#)
    }

    @Test(
        "what would lose something stays JSON",
        arguments: [
            #"[{"a":1},{"a":2}]"#,  // too few to gain anything
            #"[{"a":1},{"a":2},{"b":3}]"#,  // other members
            #"[{"a":1},{"a":2},{"a":3,"b":4}]"#,  // more members
            #"[{"a":1},{"a":2},{"a":[3]}]"#,  // not simple
            #"[1,2,3]"#, #"[{},{},{}]"#, #"{"a":1}"#, #""text""#,
            #"{"status":"success","value":[{"a":1},{"a":2},{"a":3}]}"#,  // members that would be lost
        ])
    func others(json: String) throws {
        #expect(try table(json) == nil)
    }

    @Test("a table that is no shorter is none")
    func longer() throws {
        let value = try JSONParser.parse(#"[{"a":1},{"a":2},{"a":3}]"#)
        #expect(UniformTable(of: value, insteadOf: 7) == nil)
        #expect(UniformTable(of: value, insteadOf: 8)?.text == "a\n1\n2\n3")
    }
}
