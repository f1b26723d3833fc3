#Requires -Version 5.1
#Requires -Modules Microsoft.Graph.Authentication, Microsoft.Graph.Users
Import-Module Microsoft.Graph.Users
Connect-MgGraph -Scopes 'User.Read.All','AuditLog.Read.All'
Get-MgSubscribedSku | Select-Object SkuPartNumber, ConsumedUnits, @{ n = 'Bought'; e = { $_.PrepaidUnits.Enabled } } |
    Export-Csv licences.csv -NoTypeInformation
Disconnect-MgGraph | Out-Null
