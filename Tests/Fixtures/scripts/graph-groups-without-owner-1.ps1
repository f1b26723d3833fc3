#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Users
Import-Module Microsoft.Graph.Users
Connect-MgGraph -Scopes 'User.Read.All','AuditLog.Read.All'
$Report = @()
foreach ($Group in Get-MgGroup -All) {
    $Owners = Get-MgGroupOwner -GroupId $Group.Id
    if ($Owners.Count -eq 0) { $Report += $Group.DisplayName }
}
$Report | Out-File groups-without-owner.txt
