import MMCore
import MMGuard
import Testing

@Suite("Requests to SharePoint's object interface", .timeLimit(.minutes(5)))
struct ObjectRequestTests {
    static let address = "/sites/x/_vti_bin/client.svc/ProcessQuery"
    static let query =
        #"<ObjectPath Id="5" ObjectPathId="3" /><Query Id="6" ObjectPathId="3"><Query SelectAllProperties="false"><Properties><Property Name="Title" ScalarProperty="true" /></Properties></Query></Query>"#
    static let item =
        Wire.list
        + #"<Method Id="4" ParentId="3" Name="GetItemById"><Parameters><Parameter Type="Number">7</Parameter></Parameters></Method>"#
    static let known =
        #"<Identity Id="7" Name="00000000-0000-4000-8000-000000000001|740c6a0b-85e2-48a0-a494-e0f1759d4aa7:site:a:web:b:list:c" />"#
    static let tenant = #"<Constructor Id="8" TypeId="{268004ae-ef6b-4e9b-8425-127220d84719}" />"#

    @Test(
        "a request has the class of its strictest step",
        arguments: [
            (query, Wire.list, "read", "allow"),
            (
                #"<ObjectPath Id="5" ObjectPathId="4" /><ObjectIdentityQuery Id="6" ObjectPathId="4" />"#, item, "read",
                "allow"
            ),
            (query + #"<Method Name="DeleteObject" Id="9" ObjectPathId="3" />"#, Wire.list, "destructive", "ask"),
            (#"<Method Name="Recycle" Id="9" ObjectPathId="4" />"#, item, "destructive", "ask"),
            (
                #"<Method Name="SetFieldValue" Id="8" ObjectPathId="4" /><Method Name="Update" Id="9" ObjectPathId="4" />"#,
                item, "write", "allow"
            ),
            (
                #"<SetProperty Id="8" ObjectPathId="7" Name="Title"><Parameter Type="String">x</Parameter></SetProperty><Method Name="Update" Id="9" ObjectPathId="7" />"#,
                known, "write", "allow"
            ),
            (
                #"<SetProperty Id="8" ObjectPathId="7" Name="CustomMasterUrl"><Parameter Type="String">x</Parameter></SetProperty>"#,
                known, "privilege", "ask"
            ),
            (#"<Method Name="BreakRoleInheritance" Id="9" ObjectPathId="3" />"#, Wire.list, "privilege", "ask"),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#,
                Wire.web
                    + #"<Property Id="8" ParentId="1" Name="RoleAssignments" /><Method Id="9" ParentId="8" Name="Add" />"#,
                "privilege", "ask"
            ),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#,
                Wire.web
                    + #"<Property Id="8" ParentId="1" Name="UserCustomActions" /><Method Id="9" ParentId="8" Name="Add" />"#,
                "privilege", "ask"
            ),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#,
                known + #"<Property Id="8" ParentId="7" Name="Users" /><Method Id="9" ParentId="8" Name="Add" />"#,
                "privilege", "ask"
            ),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#, known + #"<Method Id="9" ParentId="7" Name="Add" />"#,
                "write", "ask"
            ),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#,
                Wire.list + #"<Method Id="9" ParentId="3" Name="AddItem" />"#, "write", "allow"
            ),
            (#"<Query Id="9" ObjectPathId="8"><Query SelectAllProperties="true" /></Query>"#, tenant, "read", "allow"),
            (
                #"<SetProperty Id="9" ObjectPathId="8" Name="LogoUrl"><Parameter Type="String">x</Parameter></SetProperty><Method Name="Update" Id="10" ObjectPathId="8" />"#,
                tenant, "privilege", "ask"
            ),
            (#"<Method Name="RemoveSite" Id="9" ObjectPathId="8" />"#, tenant, "privilege", "ask"),
            (
                #"<ObjectPath Id="10" ObjectPathId="9" />"#,
                tenant
                    + #"<Method Id="9" ParentId="8" Name="GetSitePropertiesByUrl"><Parameters><Parameter Type="String">https://x</Parameter></Parameters></Method>"#,
                "read", "allow"
            ),
            (
                #"<StaticMethod TypeId="{16f43e7e-bf35-475d-b677-9dc61e549339}" Name="SendEmail" Id="9" />"#,
                Wire.current, "send", "ask"
            ),
            (#"<Method Name="DoSomethingNew" Id="9" ObjectPathId="1" />"#, Wire.web, "write", "ask"),
            (#"<Method Name="GetSomethingNew" Id="9" ObjectPathId="1" />"#, Wire.web, "write", "ask"),
            (
                #"<ExceptionHandlingScope Id="3"><TryScope Id="4"><Method Name="DeleteObject" Id="9" ObjectPathId="1" /></TryScope><CatchScope Id="5" /></ExceptionHandlingScope>"#,
                Wire.web, "destructive", "ask"
            ),
        ])
    func classes(actions: String, paths: String, expected: String, decision: String) {
        let verdict = Wire.intent(
            .sharePoint, "POST", Self.address, Wire.objects(actions, paths), headers: [("Content-Type", "text/xml")]
        ).verdict(.standard)
        #expect(verdict.guardClass == GuardClass(word: expected), "\(verdict.reason)")
        #expect(verdict.decision.rawValue == decision, "\(verdict.reason)")
    }

    @Test(
        "what can't be read in one way is no read",
        arguments: [
            "", "<Request/>", "<!DOCTYPE a [<!ENTITY x \"y\">]>" + Wire.objects(query, Wire.list),
            Wire.objects(query, Wire.list) + "x", Wire.objects(query, Wire.list).replacing("</Request>", with: ""),
            Wire.objects("<!-- x -->" + query, Wire.list), Wire.objects("<![CDATA[x]]>" + query, Wire.list),
            Wire.objects("<NewAction Id=\"1\" />", Wire.list), Wire.objects(query, Wire.list + "<NewPath Id=\"77\" />"),
            Wire.objects(#"<Method Name="GetItems" Id="9" ObjectPathId="99" />"#, Wire.list),
            Wire.objects(#"<Method Id="9" ObjectPathId="3" />"#, Wire.list),
            Wire.objects(query, Wire.list + Wire.web),
            Wire.objects(query, #"<Property Id="1" ParentId="2" Name="A" /><Property Id="2" ParentId="1" Name="B" />"#),
            "<?xml version=\"1.0\" encoding=\"utf-16\"?>" + Wire.objects(query, Wire.list),
            "<?xml-stylesheet href=\"x\"?>" + Wire.objects(query, Wire.list),
            Wire.objects(query, Wire.list).replacing("<Actions>", with: "<Actions><Actions>").replacing(
                "</Actions>", with: "</Actions></Actions>"),
            Wire.objects(query, Wire.list).replacing("Id=\"5\"", with: "Id=\"5\" Id=\"6\""),
            Wire.objects("&x;", Wire.list),
            Wire.objects(query, Wire.list).replacing("</Actions>", with: "</Actions><Actions/>"),
        ])
    func unreadable(body: String) {
        let intent = Wire.intent(.sharePoint, "POST", Self.address, body, headers: [("Content-Type", "text/xml")])
        #expect(!intent.isRead)
        let decision = intent.verdict(.standard).decision
        #expect(decision == .ask)
    }

    @Test("a name may be written with references, as servers read it")
    func references() {
        let body = Wire.objects(#"<Method Name="&#68;eleteObject" Id="9" ObjectPathId="3" />"#, Wire.list)
        let verdict = Wire.intent(.sharePoint, "POST", Self.address, body).verdict(.standard)
        #expect(verdict.guardClass == .destructive)
    }
}
