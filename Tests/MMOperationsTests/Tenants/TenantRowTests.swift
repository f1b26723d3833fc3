import MMCore
import Testing

@testable import MMOperations

@Suite("A row of one tenant among others")
struct TenantRowTests {
    @Test(
        "begins with its connection and tenant, and loses nothing of its own",
        arguments: [
            (#"{"a":1}"#, #"{"connection":"C","tenant":"t","a":1}"#),
            (#"7"#, #"{"connection":"C","tenant":"t","value":7}"#),
            (
                #"{"connection":"Other","a":1,"tenant":"t"}"#,
                #"{"connection":"C","tenant":"t","_connection":"Other","a":1}"#
            ),
            (#"{"tenant":{"id":1}}"#, #"{"connection":"C","tenant":"t","_tenant":{"id":1}}"#),
            (#"{"big":12345678901234567890.5}"#, #"{"connection":"C","tenant":"t","big":12345678901234567890.5}"#),
        ])
    func tagged(item: String, row: String) throws {
        let tagged = TenantRow(connection: "C", tenant: "t").tagged(try JSONParser.parse(item))
        #expect(JSONWriter.string(.object(tagged)) == row)
    }
}
