//! Needs of a requirement besides the token.

use super::{Requirement, Term, claim_rule::Operand};

impl Requirement {
    /// Returns `true` if it asks a policy of a handler.
    pub(crate) fn has_policy(&self) -> bool {
        let mut found = false;
        self.visit(&mut |term| found |= matches!(term, Term::Policy(_)));
        found
    }

    /// Returns the names of the path segments that it compares claims with.
    pub(crate) fn segments(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.visit(&mut |term| {
            if let Term::Claim(rule) = term
                && let Operand::Segment(name) = &rule.operand
            {
                names.push(&**name);
            }
        });
        names
    }

    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a Term)) {
        for term in &self.terms {
            visitor(term);
            match term {
                Term::All(nested) | Term::Not(nested) => nested.visit(visitor),
                Term::Any(ways) => ways.iter().for_each(|way| way.visit(visitor)),
                Term::Claim(_) | Term::Credential(_) | Term::Policy(_) => {}
            }
        }
    }
}
